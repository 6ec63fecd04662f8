import { metadataAddress } from "../../src/boot-test/metadata/address.ts";
import type { Cloud } from "../cloud.ts";
import { awsMachine } from "./machine.ts";
import { awsMetadata } from "./metadata-service.ts";
import { awsOptions, awsSettingsSchema } from "./options.ts";
import { awsProgress } from "./progress.ts";
import { awsRegions } from "./regions.ts";
import { awsRecovery } from "./recover/recovery.ts";
import { granteeProblem, latestDeprecation } from "./rules.ts";
import { validate } from "./validate.ts";
import { awsPreflight } from "./preflight/preflight.ts";

const writeSnapshot = async () => (await import("./steps/write-snapshot.ts")).awsSnapshotStep;
const tagSnapshots = async () => (await import("./steps/tag-snapshots.ts")).awsSnapshotsStep;
const readBackChannel = async () => (await import("./steps/read-back-channel.ts")).awsChannelStep;

/** Amazon Web Services: images are imported as private AMIs, copied to regions and shared. SSM parameters name the newest. */
export const aws: Cloud = {
  name: "aws",
  options: awsOptions,
  settings: awsSettingsSchema,
  granteeProblem,
  latestDeprecation,
  machine: awsMachine,
  metadata: (instance) => ({ services: { [metadataAddress]: awsMetadata(instance) } }),
  dataSource: "Ec2",
  regions: awsRegions,
  publishing: {
    validate,
    components: async () => (await import("./components.ts")).awsComponents,
    steps: {
      "aws-upload": async () => (await import("./steps/upload.ts")).awsUploadStep,
      "aws-write-snapshot": writeSnapshot,
      "aws-tag-snapshots": tagSnapshots,
      "aws-read-back-channel": readBackChannel,
      // Older names, for states written before December 2026.
      "aws-snapshot": writeSnapshot,
      "aws-snapshots": tagSnapshots,
      "aws-channel": readBackChannel,
    },
    progress: awsProgress,
    preflight: awsPreflight,
    recovery: awsRecovery,
  },
};
