/** What stands in the way of an AMI of our name: one that is there already. */
import { isDenied, type AccountFacts, type OwnImage, type RegionFacts } from "./answers.ts";
import { imagesIn, plannedRegions, type PlannedImage, type PublishPlan } from "./plan.ts";
import type { CheckResult } from "../../../src/preflight/check-result.ts";

/** AMIs by name, unique in an account's region. */
export type Named = ReadonlyMap<string, OwnImage>;

export const namedImages = ({ images }: RegionFacts): Named =>
  new Map("failure" in images ? [] : images.value.map((image) => [image.name, image]));

const isOurs = ({ tags }: PlannedImage, found: OwnImage): boolean =>
  Object.entries(tags).every(([key, value]) => found.tags[key] === value);

/** Names that the plan needs are free, or taken by its own images. */
export function checkNames(
  plan: PublishPlan,
  region: string,
  facts: RegionFacts,
  bestEffort: boolean,
): CheckResult[] {
  const about = { check: "names", where: region } as const;
  if ("failure" in facts.images) {
    const { code, message } = facts.images.failure;
    const remedy = isDenied(facts.images.failure)
      ? "the publisher needs ec2:DescribeImages: see clouds/aws/account"
      : "try again; where that doesn't help, look at the region in the console";
    return [{ ...about, level: bestEffort ? "warning" : "error", found: `${code}: ${message}`, remedy }];
  }
  const there = namedImages(facts);
  const level = bestEffort ? "warning" : "error";
  const planned = imagesIn(plan, region);
  const results = planned.flatMap((image): CheckResult[] => {
    const found = there.get(image.name);
    if (found === undefined || plan.recorded?.has(found.id)) return [];
    if (!isOurs(image, found)) {
      return [
        {
          ...about,
          level,
          found: `${image.name} is the name of ${found.id}, which isn't this project's image by its tags`,
          remedy:
            "deregister it if it is of no use (what a killed run left untagged `npm run recover` deletes), " +
            "or name yours otherwise: `name` and `project` in an overlay",
        },
      ];
    }
    if (plan.recorded === undefined) return [];
    return [
      {
        ...about,
        level,
        found: `${image.name} is there as ${found.id}, and not in this stack's state`,
        remedy:
          "after a killed run `npm run recover` deletes it; if another stack has it, don't: only one of the two may publish it",
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

/** Regions of the plan of which anything is known. */
export function askedRegions(plan: PublishPlan, { perRegion = {} }: AccountFacts) {
  return plannedRegions(plan).flatMap(({ name, bestEffort }) => {
    const facts = perRegion[name];
    return facts === undefined ? [] : [{ name, bestEffort, facts }];
  });
}
