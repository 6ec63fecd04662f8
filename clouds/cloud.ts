/**
 * The contract of a cloud. Each folder beside this file implements it, and `registry.ts` lists them: no other file names a
 * cloud. `docs/adding-a-cloud.md` walks through it.
 *
 * Everything here is cheap to import. What needs a cloud's SDK or Pulumi provider is loaded by a function that returns a promise.
 */
import type * as pulumi from "@pulumi/pulumi";
import type { BootCloud } from "../src/boot-test/boot-cloud.ts";
import type { CloudRules } from "../src/configuration/cloud-rules.ts";
import type { ReleaseLine } from "../src/configuration/release-lines.ts";
import type { StackSettings } from "../src/configuration/settings.ts";
import type { DeclaredImage, Stage } from "../src/configuration/variant.ts";
import type { Preflight } from "../src/preflight/preflight.ts";
import type { RegionLookup } from "../src/regions/region-lookup.ts";
import type { CloudRecovery } from "../src/recover/cloud-recovery.ts";
import type { CloudProgress } from "../src/status/cloud-progress.ts";
import type { ArtifactResult } from "../src/steps/artifact.ts";
import type { DiskImageResult } from "../src/steps/disk-image.ts";
import type { LoadStep } from "../src/steps/step.ts";

/** A cloud: its rules, the machine its images boot on, and, if images are imported into it, how they are published. */
export interface Cloud extends CloudRules, BootCloud {
  /**
   * How images are published in the cloud. @default they are not: stage upload is the last, unless
   * `isPublishedByStorage` is true
   */
  readonly publishing?: CloudPublishing;
  /** If true, an image's files in storage are its publication, so each stage is reached without an import. @default false */
  readonly isPublishedByStorage?: boolean;
  /** The cloud's public list of regions, for `npm run regions -- update`. @default the cloud has no regions */
  readonly regions?: RegionLookup;
}

/** How images of a cloud are imported and published. */
export interface CloudPublishing {
  /**
   * All problems in settings and configuration that keep an image from being brought to a stage. It runs at every
   * preview, before anything is built.
   * @param stage import or later
   */
  validate(image: DeclaredImage, stage: Stage, settings: StackSettings): StageProblem[];
  /** Loads the Pulumi components, and with them the cloud's provider. */
  components(): Promise<CloudComponents>;
  /**
   * Tracked commands by name, each loaded when it runs. Names begin with the cloud's name. They are in states, so never
   * change them.
   */
  readonly steps: Readonly<Record<string, LoadStep>>;
  /** What a finished image has in a stack's state, and how far an unfinished one has come. */
  readonly progress: CloudProgress;
  /**
   * What the account must be ready for.
   * @returns undefined if the stack brings no image to this cloud
   */
  preflight?(declared: readonly DeclaredImage[], settings: StackSettings): Preflight | undefined;
  /** Finds and removes what an interrupted run left in the cloud. @default there is nothing to recover */
  readonly recovery?: CloudRecovery;
}

/** What is wrong, at the setting or field that must change, as Pulumi's `InputPropertyError` takes it. */
export interface StageProblem {
  propertyPath: string;
  reason: string;
}

/** The Pulumi components of a cloud. */
export interface CloudComponents {
  /**
   * Declares what the stack's images share: a provider, settings of the account. Called once for each stack with images
   * of this cloud at stage import or later.
   * @returns undefined if the stack's settings are incomplete, which `validate` reports
   */
  declareShared(args: SharedArgs): CloudShared | undefined;
  /** Declares an image in the cloud, from stage import on. */
  declareImage(name: string, args: CloudImageArgs, opts: pulumi.ComponentResourceOptions): CloudImage;
  /** Declares a line's channel, which points to its newest released image. @default lines have no channel in this cloud */
  declareChannel?(name: string, args: CloudChannelArgs, opts: pulumi.ComponentResourceOptions): CloudChannel;
}

/** Arguments of {@link CloudComponents.declareShared}. */
export interface SharedArgs {
  /** The stack's images of this cloud. */
  images: readonly DeclaredImage[];
  /** The highest stage to which the stack brings an image. */
  ceiling: Stage;
  /** The stack's settings of this cloud. */
  settings: unknown;
  /** Checks the account before anything is created in it. @default nothing is checked */
  preflight?: pulumi.ResourceHook | undefined;
}

/** What a stack's images share in a cloud. */
export interface CloudShared {
  providers: pulumi.ProviderResource[];
  /** Region to the resources that must exist before anything is made public there. */
  publicAccess: PublicAccess;
}

/** Region to the account's settings that let its images be public. */
export type PublicAccess = Readonly<Record<string, readonly pulumi.Resource[]>>;

/** Arguments of {@link CloudComponents.declareImage}. */
export interface CloudImageArgs {
  image: DeclaredImage;
  /** How far the image is brought: import or further. */
  stage: Stage;
  /** The stack's settings of this cloud. */
  settings: unknown;
  /** If true, what was built and imported stays, even if the configuration has changed. */
  frozen: boolean;
  /** The built disk, and where it is stored. Undefined only under `--target`. */
  disk: pulumi.Input<DiskImageResult | undefined>;
  artifact: pulumi.Input<ArtifactResult | undefined>;
  /** Resources that must exist before anything of the image is published. */
  publishAfter: readonly pulumi.Resource[];
  /** Region to the resources that must exist before anything is made public there. */
  publicAccess: PublicAccess;
  /** Checks the account before anything is created in it. @default nothing is checked */
  preflight?: pulumi.ResourceHook | undefined;
}

/** An image in a region of its cloud. */
export interface RegionalImage {
  region: string;
  bestEffort: boolean;
  /** If true, the image may be deleted here, even if it is protected elsewhere. */
  leaving: boolean;
  imageId: pulumi.Output<string>;
  /** Where a person can look at the image, and launch it. */
  regionUrl?: pulumi.Output<string>;
  launchUrl?: pulumi.Output<string>;
  /** Everything that must exist before a channel can point to the image: the image, and its permissions. */
  ready: readonly pulumi.Resource[];
}

/** An image in its cloud. */
export interface CloudImage extends pulumi.ComponentResource {
  /** The imported image, from which the images of other regions are copied. */
  readonly imported: { region: string; imageId: pulumi.Output<string> };
  /** Where it is published. Empty below stage publish. */
  readonly published: readonly RegionalImage[];
  /** ISO 8601, UTC: when it was published in all required regions. Undefined below stage publish. */
  readonly publishedSince: pulumi.Output<string | undefined>;
}

/** Arguments of {@link CloudComponents.declareChannel}. */
export interface CloudChannelArgs {
  line: ReleaseLine;
  /** What the channel points to, by region. */
  images: readonly RegionalImage[];
  /** The stack's settings of this cloud. */
  settings: unknown;
  /** If true, the channel cannot be deleted while it points to an image that is protected. */
  protectPublished: boolean;
  /** Checks the account before anything is created in it. @default nothing is checked */
  preflight?: pulumi.ResourceHook | undefined;
}

/** A line's channel. */
export interface CloudChannel extends pulumi.ComponentResource {
  /** What people use to follow the line: on AWS the name of an SSM parameter. */
  readonly pointer: string;
}
