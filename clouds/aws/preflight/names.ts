/** Checks that no AMI of another stack or project has a name that the plan needs. */
import { isDenied, type AccountFacts, type OwnImage, type RegionFacts } from "./answers.ts";
import { imagesIn, plannedRegions, type PlannedImage, type PublishPlan } from "./plan.ts";
import type { CheckResult } from "../../../src/preflight/check-result.ts";

/** AMIs by name. Names are unique in an account's region. */
export type Named = ReadonlyMap<string, OwnImage>;

export const namedImages = ({ images }: RegionFacts): Named =>
  new Map("failure" in images ? [] : images.value.map((image) => [image.name, image]));

const isOurs = ({ tags }: PlannedImage, found: OwnImage): boolean =>
  Object.entries(tags).every(([key, value]) => found.tags[key] === value);

/** Checks that each name in the plan is free, or belongs to the plan's own image. */
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
      : "try again; if that does not help, look at the region in the console";
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
          found: `${found.id} has the name ${image.name}, but by its tags it is not this project's image`,
          remedy:
            "deregister it if nobody needs it (`npm run recover` deletes untagged images of a killed run), " +
            "or change `name` and `project` in an overlay",
        },
      ];
    }
    if (plan.recorded === undefined) return [];
    return [
      {
        ...about,
        level,
        found: `${image.name} exists as ${found.id}, but not in this stack's state`,
        remedy:
          "if a killed run left it, `npm run recover` deletes it; if it belongs to another stack, only one of the two may publish it",
      },
    ];
  });
  if (results.length > 0) return results;
  const ours = planned.filter(({ name }) => there.has(name)).length;
  return [
    {
      ...about,
      level: "ok",
      found: `${ours} of ${planned.length} images exist, the other names are free`,
    },
  ];
}

/** The plan's regions that were queried. */
export function askedRegions(plan: PublishPlan, { perRegion = {} }: AccountFacts) {
  return plannedRegions(plan).flatMap(({ name, bestEffort }) => {
    const facts = perRegion[name];
    return facts === undefined ? [] : [{ name, bestEffort, facts }];
  });
}
