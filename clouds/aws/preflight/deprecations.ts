/** Checks for deprecation days that have passed: AWS accepts only future days, but keeps those it has. */
import { some } from "../../../src/lib/checks.ts";
import { groupBy } from "../../../src/lib/group-by.ts";
import type { AccountFacts } from "./answers.ts";
import { namedImages, type Named } from "./names.ts";
import type { PlannedImage, PlannedRegion, PublishPlan } from "./plan.ts";
import type { CheckResult } from "../../../src/preflight/check-result.ts";

/** An image whose deprecation day has passed, and what is pending for it in which regions. */
interface Late {
  image: PlannedImage;
  pending: "publish" | "copy" | "move";
  regions: PlannedRegion[];
}

/** AWS keeps deprecation times to the minute. */
const minute = 60_000;

/**
 * Checks that no image with a past deprecation day is still to be published or copied, and that no existing image is to
 * be moved to such a day. An old image that keeps its day is fine.
 * @param now ISO 8601, UTC; the program itself has no clock
 */
export function checkDeprecations(
  plan: PublishPlan,
  perRegion: NonNullable<AccountFacts["perRegion"]>,
  now: string,
): CheckResult[] {
  // If a region could not be queried, nothing is known to be missing there.
  const there = Object.entries(perRegion).filter(([, { images }]) => "value" in images);
  const known = new Map(there.map(([region, facts]) => [region, namedImages(facts)]));
  const late = plan.images
    .filter(({ deprecated }) => deprecated <= now)
    .flatMap((image) => pendingOf(image, known));
  const alike = ({ image: { entry, deprecated }, pending, regions }: Late) =>
    JSON.stringify([entry, deprecated, pending, regions.map(({ name }) => name)]);
  const results = [...groupBy(late, alike).values()].map(resultOf);
  if (results.length > 0 || known.size === 0) return results;
  const [next = ""] = plan.images.map(({ deprecated }) => deprecated).sort();
  const found = `the first is deprecated on ${next.slice(0, 10)}`;
  return [{ check: "end of life", where: "all images", level: "ok", found }];
}

/** @param known region to the images that exist there */
function pendingOf(image: PlannedImage, known: ReadonlyMap<string, Named>): Late[] {
  const asked = image.regions.filter(({ name }) => known.has(name));
  const found = (region: PlannedRegion) => known.get(region.name)?.get(image.name);
  const missing = asked.filter((region) => found(region) === undefined);
  const moved = asked.filter((region) => {
    const there = found(region);
    return there !== undefined && !isSameDay(there.deprecated, image.deprecated);
  });
  const adds = missing.length === asked.length ? "publish" : "copy";
  const all: Late[] = [
    { image, pending: adds, regions: missing },
    { image, pending: "move", regions: moved },
  ];
  return all.filter(({ regions }) => regions.length > 0);
}

/** @param late the same for all of these images */
function resultOf(late: readonly Late[]): CheckResult {
  const [{ image, pending, regions }] = late as [Late];
  const { entry, place } = image;
  const day = image.deprecated.slice(0, 10);
  const keys = some(late.map((one) => one.image.key));
  const names = regions.map(({ name }) => name);
  const left = `regions: { ${names.map((name) => `${name}: false`).join(", ")} }`;
  const [found, remedy] = (
    {
      publish: [
        `was due for deprecation on ${day}, but these images are not published yet: ${keys}`,
        `correct the day at ${place}, or lower the stage below import`,
      ],
      copy: [
        `was due for deprecation on ${day}, but these images are not copied to ${some(names)} yet: ${keys}`,
        `leave them out there with \`${left}\` in the layer of their version, or correct the day at ${place}`,
      ],
      move: [
        `would now be deprecated on ${day}, which has passed, and these existing images have another day: ${keys}`,
        `choose a future day at ${place}`,
      ],
    } as const
  )[pending];
  // As everywhere, a problem in best-effort regions alone stops nothing.
  const level = regions.every(({ bestEffort }) => bestEffort) ? "warning" : "error";
  const rule = "AWS accepts only future days";
  return { check: "end of life", where: entry, level, found, remedy: `${rule}: ${remedy}` };
}

/** @param found undefined if the image has no deprecation day */
function isSameDay(found: string | undefined, planned: string): boolean {
  return found !== undefined && Math.abs(Date.parse(found) - Date.parse(planned)) < minute;
}
