/** What a stack would publish to AWS. It follows from ledger and settings alone, as in the program itself. */
import { awsOptionsOf, type AwsSettings, awsSettingsOf } from "../options.ts";
import { amiTags, deprecationTime, isPublic } from "../rules.ts";
import type { PublishedRegion } from "../../../src/configuration/regions.ts";
import type { StackSettings } from "../../../src/configuration/settings.ts";
import { imageName } from "../../../src/configuration/tags.ts";
import {
  type DeclaredImage,
  isAtLeast,
  reachedStage,
  type Stage,
} from "../../../src/configuration/variant.ts";

/** A region where an AMI should be. */
export interface PlannedRegion extends PublishedRegion {
  /** Whether everybody may launch it there. */
  isPublic: boolean;
}

/** One AMI by its name, and where it should be. */
export interface PlannedImage {
  key: string;
  /** Unique in an account's region. */
  name: string;
  /** Tags by which an AMI of this name is recognised as this project's. */
  tags: Readonly<Record<string, string>>;
  /** The home region first, where it is imported. Below stage `publish`, only that. */
  regions: readonly PlannedRegion[];
  /** Whether its snapshots are public where the image is. */
  sharesSnapshots: boolean;
  /** Its entry in the ledger, `3.23.6-r0`, and the entry's place there. */
  entry: string;
  place: string;
  /** When it is deprecated: YYYY-MM-DDTHH:MM:SSZ. AWS accepts only future times. */
  deprecated: string;
}

export interface PublishPlan {
  settings: AwsSettings;
  images: readonly PlannedImage[];
  /** Whether any image goes to all regions, and so also to regions that are enabled later. */
  wantsAllRegions: boolean;
  /** Ids of the AMIs in the stack's state. @default the state is unknown */
  recorded?: ReadonlySet<string>;
}

/** @throws nothing: the checks report what is wrong with a plan */
export function publishPlan(
  declared: readonly DeclaredImage[],
  settings: Pick<StackSettings, "stage" | "clouds">,
): PublishPlan {
  const ceiling = settings.stage;
  const aws = awsSettingsOf(settings);
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

function planned({ key, variant, state, regions }: DeclaredImage, stage: Stage, home: string): PlannedImage {
  const { project = "", image_key = "", revision = "" } = amiTags(variant);
  const published = isAtLeast(stage, "publish") ? regions : [];
  const [atHome] = published.filter(({ name }) => name === home);
  const others = published.filter(({ name }) => name !== home);
  return {
    key,
    name: imageName(variant),
    tags: { project, image_key, revision },
    regions: [
      // Images are imported in the home region, even if they are not published there.
      { name: home, bestEffort: false, isPublic: isPublic(variant) && atHome !== undefined },
      ...others.map((region) => ({ ...region, isPublic: isPublic(variant) })),
    ],
    sharesSnapshots: awsOptionsOf(variant).shareSnapshots,
    entry: `${variant.release}-r${variant.revision}`,
    place: state.place,
    deprecated: deprecationTime(variant, state),
  };
}

/** Every region of the plan once. A region is best effort if no image requires it. */
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

/** The plan's images that are public in a region. */
export const publicImagesIn = ({ images }: PublishPlan, region: string): PlannedImage[] =>
  images.filter(({ regions }) => regions.some(({ name, isPublic }) => name === region && isPublic));
