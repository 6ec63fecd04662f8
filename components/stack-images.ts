/** Declares everything in a stack: what its images share, the images, and the channels that point to them. */
import * as pulumi from "@pulumi/pulumi";
import type { Cloud, CloudPublishing } from "../clouds/cloud.ts";
import type { BuildSettings } from "../src/builder/build-settings.ts";
import { inputsDigest } from "../src/builder/inputs.ts";
import { releaseLines } from "../src/configuration/release-lines.ts";
import type { StackSettings } from "../src/configuration/settings.ts";
import { signingCommandOf } from "../src/configuration/signing.ts";
import { type DeclaredImage, hasReached, isAtLeast, reachedStage } from "../src/configuration/variant.ts";
import {
  type ImageOutputs,
  ImageVariant,
  type ImageVariantArgs,
  type ImportingCloud,
  isProtected,
} from "./image-variant.ts";
import { preflightHook } from "./preflight-hook.ts";
import { stageProblems } from "./stage-problems.ts";

/** A cloud of the stack, ready to declare images in. */
export interface UsedCloud extends ImportingCloud {
  providers: pulumi.ProviderResource[];
}

/** What a stack declares. */
export interface StackImages {
  /** By Pulumi name. */
  images: Record<string, ImageOutputs>;
  /** Line to its channel's pointer. Undefined if no line has a channel. */
  channels?: Record<string, string>;
}

/**
 * Declares a stack's images.
 * @throws InputPropertiesError that lists everything that keeps images from reaching their stages
 */
export async function declareImages(
  declared: readonly DeclaredImage[],
  settings: StackSettings,
  build: BuildSettings,
  clouds: readonly Cloud[],
): Promise<StackImages> {
  requireNoProblems(declared, settings, clouds);
  const used = await declareClouds(declared, settings, clouds);
  const images = new Map(
    declared.map((image) => {
      const cloud = used.get(image.variant.cloud);
      const args = imageArgs(image, settings, inputsDigest(image.variant, build), build, cloud);
      const providers = cloud?.providers ?? [];
      return [image.key, new ImageVariant(image.key, args, { providers })] as const;
    }),
  );
  const channels = declareChannels(declared, images, settings, used);
  const outputs = [...images].map(([key, { outputs }]) => [key, outputs] as const);
  return {
    images: Object.fromEntries(outputs),
    ...(Object.keys(channels).length === 0 ? {} : { channels }),
  };
}

/**
 * The arguments of an image's component, from the stack's settings.
 * @param cloud undefined if no image of the stack is imported into the image's cloud
 */
export function imageArgs(
  image: DeclaredImage,
  settings: StackSettings,
  inputsDigest: string,
  build: BuildSettings,
  cloud: ImportingCloud | undefined,
): ImageVariantArgs {
  const stage = reachedStage(image.state.stage, settings.stage);
  return {
    image,
    stage,
    frozen: settings.rebuild === "never",
    protect: isProtected(image, settings),
    signingCommand: signingCommandOf(image.variant, stage, settings),
    builders: settings.builders,
    mirrorName: settings.mirror.name,
    inputsDigest,
    build,
    cloud: isAtLeast(stage, "import") ? cloud : undefined,
  };
}

/** @throws InputPropertiesError that lists everything that keeps images from reaching their stages */
export function requireNoProblems(
  declared: readonly DeclaredImage[],
  settings: StackSettings,
  clouds: readonly Cloud[],
): void {
  const errors = declared.flatMap((image) => {
    const stage = reachedStage(image.state.stage, settings.stage);
    const cloud = clouds.find(({ name }) => name === image.variant.cloud);
    return stageProblems(image, stage, settings, cloud);
  });
  if (errors.length > 0) {
    throw new pulumi.InputPropertiesError({
      message: errors.map(({ reason }) => reason).join("\n"),
      errors,
    });
  }
}

/** Loads the clouds that images are imported into, and declares what their images share. */
async function declareClouds(
  declared: readonly DeclaredImage[],
  settings: StackSettings,
  clouds: readonly Cloud[],
): Promise<Map<string, UsedCloud>> {
  const used = new Map<string, UsedCloud>();
  for (const { name, publishing } of clouds) {
    const images = declared.filter(
      ({ variant, state }) => variant.cloud === name && hasReached(state, settings.stage, "import"),
    );
    if (publishing === undefined || images.length === 0) continue;
    used.set(name, await declareCloud(name, publishing, declared, images, settings));
  }
  return used;
}

async function declareCloud(
  name: string,
  publishing: CloudPublishing,
  declared: readonly DeclaredImage[],
  images: readonly DeclaredImage[],
  settings: StackSettings,
): Promise<UsedCloud> {
  const preflight = preflightHook(name, publishing.preflight?.(declared, settings));
  const components = await publishing.components();
  const own = settings.clouds[name];
  const shared = components.declareShared({ images, ceiling: settings.stage, settings: own, preflight });
  return {
    components,
    settings: own,
    preflight,
    providers: shared?.providers ?? [],
    publicAccess: shared?.publicAccess ?? {},
  };
}

/**
 * Declares the channels of released images.
 * @param images the images' components by Pulumi name
 * @param used the clouds that images are imported into, by name
 * @returns line to its channel's pointer
 */
export function declareChannels(
  declared: readonly DeclaredImage[],
  images: ReadonlyMap<string, ImageVariant>,
  settings: StackSettings,
  used: ReadonlyMap<string, UsedCloud>,
): Record<string, string> {
  const channels: Record<string, string> = {};
  for (const line of releaseLines(declared, settings.stage)) {
    const [target] = line.targets.values();
    const cloud = used.get(target?.variant.cloud ?? "");
    const pointed = [...line.targets].flatMap(
      ([region, { key }]) =>
        images.get(key)?.cloudImage?.published.find((image) => image.region === region) ?? [],
    );
    const channel = cloud?.components.declareChannel?.(
      line.key,
      {
        line,
        images: pointed,
        settings: cloud.settings,
        protectPublished: settings.protectPublished,
        preflight: cloud.preflight,
      },
      { providers: cloud.providers },
    );
    if (channel !== undefined) channels[line.key] = channel.pointer;
  }
  return channels;
}
