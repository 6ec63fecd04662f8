/** What a stack would publish to AWS, from ledger and settings alone: as the program itself declares it. */
import { isAtLeast, reachedStage } from "../../components/image-variant.ts";
import { tags } from "../../components/metadata.ts";
import type { PublishedRegion } from "../../configs/regions.ts";
import type { StackSettings } from "../../configs/settings.ts";
import type { Declared, ImageState, Stage } from "../../configs/variant.ts";

/** YYYY-MM-DD, and what makes it the last. */
export interface LastDay {
  day: string;
  is: "end of life" | "day of retirement" | "last day that AWS allows, two years after it was added";
}

/** One AMI by its name, and where it should be. */
export interface PlannedImage {
  key: string;
  /** Unique in an account's region. */
  name: string;
  /** What tells that an AMI of this name is this project's. */
  tags: Readonly<Record<string, string>>;
  /** Below stage `publish` the home region alone. */
  regions: readonly PublishedRegion[];
  isPublic: boolean;
  /** Whether its snapshots are public too. */
  sharesSnapshots: boolean;
  /** Its entry in the ledger, `3.23.6-r0`, and the place of that. */
  entry: string;
  place: string;
  /** Deprecated at its end, which AWS takes in the future only. */
  lastDay: LastDay;
}

export interface PublishPlan {
  settings: StackSettings["aws"];
  images: readonly PlannedImage[];
  /** Whether some image goes to all regions, and so to those that are switched on later. */
  wantsAllRegions: boolean;
  /** Ids of the AMIs in the stack's state, where that is known. */
  recorded?: ReadonlySet<string>;
}

/** @throws nothing: what is wrong with a plan is for the checks to say */
export function publishPlan(
  declared: readonly Declared[],
  { stage: ceiling, aws }: Pick<StackSettings, "stage" | "aws">,
): PublishPlan {
  const images = declared
    .map((image) => ({ ...image, stage: reachedStage(image.state.stage, ceiling) }))
    .filter(({ variant, stage }) => variant.cloud === "aws" && isAtLeast(stage, "import"));
  const published = images.filter(({ stage }) => isAtLeast(stage, "publish"));
  return {
    settings: aws,
    images: images.map((image) => planned(image, image.stage, aws.region)),
    wantsAllRegions: published.some(({ variant }) => variant.regions.ALL === true),
  };
}

function planned({ key, variant, state, regions }: Declared, stage: Stage, home: string): PlannedImage {
  const { name, project, image_key, revision } = tags(variant);
  const isPublished = isAtLeast(stage, "publish");
  const isPublic = isPublished && variant.access.PUBLIC === true;
  const others = isPublished ? regions.filter((region) => region.name !== home) : [];
  return {
    key,
    name: String(name),
    tags: { project: String(project), image_key: String(image_key), revision: String(revision) },
    // Everything else is copied from there.
    regions: [{ name: home, bestEffort: false }, ...others],
    isPublic,
    sharesSnapshots: isPublic && variant.aws?.shareSnapshots === true,
    entry: `${variant.release}-r${variant.revision}`,
    place: state.place,
    lastDay: lastDay(variant.endOfLife, state),
  };
}

function lastDay(endOfLife: string, { added, retired }: ImageState): LastDay {
  const bound = `${Number(added.slice(0, 4)) + 2}${added.slice(4)}`;
  const days: LastDay[] = [
    { day: endOfLife, is: "end of life" },
    ...(retired === undefined ? [] : [{ day: retired, is: "day of retirement" } as const]),
    { day: bound, is: "last day that AWS allows, two years after it was added" },
  ];
  return days.reduce((first, next) => (next.day < first.day ? next : first));
}

/** Every region of the plan once; best effort where no image requires it. */
export function plannedRegions({ images }: PublishPlan): PublishedRegion[] {
  const found = new Map<string, boolean>();
  for (const { name, bestEffort } of images.flatMap(({ regions }) => regions)) {
    found.set(name, bestEffort && (found.get(name) ?? true));
  }
  return [...found].map(([name, bestEffort]) => ({ name, bestEffort }));
}

/** The plan's images that go to a region. */
export const imagesIn = ({ images }: PublishPlan, region: string): PlannedImage[] =>
  images.filter(({ regions }) => regions.some(({ name }) => name === region));
