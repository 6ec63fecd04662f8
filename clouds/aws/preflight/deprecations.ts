/** Days of deprecation that have passed: AWS takes those to come only, and keeps what it has. */
import { some } from "../../../src/lib/checks.ts";
import { groupBy } from "../../../src/lib/group-by.ts";
import type { AccountFacts } from "./answers.ts";
import { namedImages, type Named } from "./names.ts";
import type { PlannedImage, PlannedRegion, PublishPlan } from "./plan.ts";
import type { CheckResult } from "../../../src/preflight/check-result.ts";

/** An image that has such a day, and what is to be done with it in which regions. */
interface Late {
  image: PlannedImage;
  pending: "publish" | "copy" | "move";
  regions: PlannedRegion[];
}

/** AWS keeps days to the minute. */
const minute = 60_000;

/**
 * No image is still to be published, or copied to a further region, that would be deprecated at once; nor is one that is there
 * to be given such a day. An old image that keeps its day stays as it is.
 * @param now ISO 8601, UTC; what the program itself has no clock for
 */
export function checkDeprecations(
  plan: PublishPlan,
  perRegion: NonNullable<AccountFacts["perRegion"]>,
  now: string,
): CheckResult[] {
  // Where nobody could look, nothing is known to be missing.
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

/** @param known region to the images that are there */
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
        `was to be deprecated on ${day}, and of its images are still to be published: ${keys}`,
        `at ${place} correct the day, or lower the stage below import`,
      ],
      copy: [
        `was to be deprecated on ${day}, and of its images are still to be copied to ${some(names)}: ${keys}`,
        `leave them out there, \`${left}\` in the layer of their version, or at ${place} correct the day`,
      ],
      move: [
        `is to be deprecated on ${day}, which has passed, and images that are there have another day so far: ${keys}`,
        `at ${place} choose a day to come`,
      ],
    } as const
  )[pending];
  // As everywhere, what only regions of best effort lack stops nothing.
  const level = regions.every(({ bestEffort }) => bestEffort) ? "warning" : "error";
  const rule = "AWS takes days to come only";
  return { check: "end of life", where: entry, level, found, remedy: `${rule}: ${remedy}` };
}

/** @param found undefined where the image is deprecated on no day */
function isSameDay(found: string | undefined, planned: string): boolean {
  return found !== undefined && Math.abs(Date.parse(found) - Date.parse(planned)) < minute;
}
