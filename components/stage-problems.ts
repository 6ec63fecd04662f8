import type { Cloud, StageProblem } from "../clouds/cloud.ts";
import type { StackSettings } from "../src/configuration/settings.ts";
import { type DeclaredImage, isAtLeast, type Stage } from "../src/configuration/variant.ts";

/**
 * Everything that keeps an image from being brought to a stage. Runs before anything is built.
 * @param cloud undefined if this program does not know the image's cloud
 */
export function stageProblems(
  image: DeclaredImage,
  stage: Stage,
  settings: StackSettings,
  cloud: Cloud | undefined,
): StageProblem[] {
  if (!isAtLeast(stage, "upload")) return [];
  const problems = storageProblems(image, settings);
  if (!isAtLeast(stage, "import") || cloud?.isPublishedByStorage === true) return problems;
  if (cloud?.publishing !== undefined) {
    return [...problems, ...cloud.publishing.validate(image, stage, settings)];
  }
  const reason = `${image.key} cannot be brought to ${stage}: importing into ${image.variant.cloud} is not supported yet`;
  return [
    ...problems,
    { propertyPath: "stage", reason: `${reason}; keep the stack's alpine:stage at upload` },
  ];
}

function storageProblems({ key, variant }: DeclaredImage, { mirror }: StackSettings): StageProblem[] {
  if (variant.storageUrl.startsWith("file://")) return [];
  const reason =
    mirror.name === "offline"
      ? `images from the offline kit may only be stored in folders, but ${key} would be stored at ${variant.storageUrl}`
      : `${key} would be stored at ${variant.storageUrl}, but only folders (file://) are supported so far`;
  return [{ propertyPath: "storageUrl", reason: `${reason}; set the stack's alpine:storageUrl to a folder` }];
}
