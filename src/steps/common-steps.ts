/** The steps that images of every cloud have. */
import type { BootCloud } from "../boot-test/boot-cloud.ts";
import type { CloudRules } from "../configuration/cloud-rules.ts";
import type { LoadStep } from "./step.ts";

/**
 * The common steps, by name. States contain the names, so they must not change.
 * @param clouds all known clouds
 */
export const commonSteps = (
  clouds: readonly (BootCloud & CloudRules)[],
): Readonly<Record<string, LoadStep>> => ({
  "disk-image": async () => (await import("./disk-image.ts")).diskImageStep(clouds),
  artifact: async () => (await import("./artifact.ts")).artifactStep,
  signatures: async () => (await import("./signatures.ts")).signaturesStep,
  metadata: async () => (await import("./metadata.ts")).metadataStep,
});
