/** What stands in the way of an AMI of our name: one that is there already, or a day that has passed. */
import { groupBy } from "../lib/group-by.ts";
import { some } from "../lib/checks.ts";
import { isDenied, type AccountFacts, type OwnImage, type RegionFacts } from "./answers.ts";
import { imagesIn, plannedRegions, type PlannedImage, type PublishPlan } from "./plan.ts";
import type { CheckResult } from "./result.ts";

/** AMIs by name, unique in an account's region. */
type Named = ReadonlyMap<string, OwnImage>;

export const namedImages = ({ images }: RegionFacts): Named =>
  new Map("failure" in images ? [] : images.value.map((image) => [image.name, image]));

const isOurs = ({ tags }: PlannedImage, found: OwnImage): boolean =>
  Object.entries(tags).every(([key, value]) => found.tags[key] === value);

/** Names that the plan needs are free, or taken by its own images. */
export function judgeNames(
  plan: PublishPlan,
  region: string,
  facts: RegionFacts,
  bestEffort: boolean,
): CheckResult[] {
  const about = { check: "names", where: region } as const;
  if ("failure" in facts.images) {
    const { code, message } = facts.images.failure;
    const remedy = isDenied(facts.images.failure)
      ? "the publisher needs ec2:DescribeImages: see accounts/aws"
      : "try again; where that doesn't help, look at the region in the console";
    return [{ ...about, level: bestEffort ? "warning" : "error", found: `${code}: ${message}`, remedy }];
  }
  const there = namedImages(facts);
  const planned = imagesIn(plan, region);
  const results = planned.flatMap((image): CheckResult[] => {
    const found = there.get(image.name);
    if (found === undefined || plan.recorded?.has(found.id)) return [];
    if (!isOurs(image, found)) {
      return [
        {
          ...{ ...about, level: "error" },
          found: `${image.name} is the name of ${found.id}, which isn't this project's image by its tags`,
          remedy: `deregister it if it is of no use, or name yours otherwise: \`name\` and \`project\` in an overlay`,
        },
      ];
    }
    if (plan.recorded === undefined) return [];
    return [
      {
        ...{ ...about, level: "error" },
        found: `${image.name} is there as ${found.id}, and not in this stack's state`,
        remedy:
          "after a killed run `npm run recover` adopts it; if another stack has it, only one may publish it",
      },
    ];
  });
  if (results.length > 0) return results;
  const ours = planned.filter(({ name }) => there.has(name)).length;
  return [
    {
      ...about,
      level: "ok",
      found: `${ours} of ${planned.length} images are there, the other names are free`,
    },
  ];
}

/**
 * No image is still to be published that would be deprecated at once, for AWS takes no deprecation in the past.
 * @param now ISO 8601, UTC; what the program itself has no clock for
 */
export function judgeDeprecations(
  plan: PublishPlan,
  perRegion: NonNullable<AccountFacts["perRegion"]>,
  now: string,
): CheckResult[] {
  // Where nobody could look, nothing is known to be missing.
  const there = Object.entries(perRegion).filter(([, { images }]) => "value" in images);
  const known = new Map(there.map(([region, facts]) => [region, namedImages(facts)]));
  const isMissing = ({ name, regions }: PlannedImage) =>
    regions.some((region) => known.get(region.name)?.has(name) === false);
  const late = plan.images.filter((image) => image.deprecated <= now && isMissing(image));
  const entries = groupBy(late, ({ entry, deprecated }) => JSON.stringify([entry, deprecated]));
  const results = [...entries.values()].map((images): CheckResult => {
    const [{ entry, place, deprecated }] = images as [PlannedImage];
    const keys = some(images.map(({ key }) => key));
    return {
      ...{ check: "end of life", where: entry, level: "error" },
      found: `was to be deprecated on ${deprecated.slice(0, 10)}, and of its images are still to be published: ${keys}`,
      remedy: `AWS takes days to come only: at ${place} correct the day, or lower the stage below import`,
    };
  });
  if (results.length > 0 || known.size === 0) return results;
  const [next = ""] = plan.images.map(({ deprecated }) => deprecated).sort();
  const found = `the first is deprecated on ${next.slice(0, 10)}`;
  return [{ check: "end of life", where: "all images", level: "ok", found }];
}

/** Regions of the plan of which anything is known. */
export function askedRegions(plan: PublishPlan, { perRegion = {} }: AccountFacts) {
  return plannedRegions(plan).flatMap(({ name, bestEffort }) => {
    const facts = perRegion[name];
    return facts === undefined ? [] : [{ name, bestEffort, facts }];
  });
}
