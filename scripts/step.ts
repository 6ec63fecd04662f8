/**
 * The one entry point of all tracked commands: `node --import tsx scripts/step.ts create|update|delete`, with
 * ALPINE_STEP and ALPINE_STEP_INPUT in the environment, the result as one line of JSON on stdout, all else on stderr.
 *
 * Never rename or move it: its command line is in every stack's state, and a changed one runs the command again.
 */
import type { Step, StepName } from "../src/steps/step.ts";
import { stepNames } from "../src/steps/step.ts";
import { endWithEngine } from "../src/steps/end-with-engine.ts";
import { runCommand } from "../src/lib/command.ts";
import { UserError } from "../src/lib/user-error.ts";

// Inputs and results are what this project's own components and steps wrote: each step knows its own. A step is loaded
// when it is asked for: the builder alone takes two seconds on a busy machine, and most steps do not need it.
const steps: Record<StepName, () => Promise<Step<never, object>>> = {
  "disk-image": async () => (await import("../src/steps/disk-image.ts")).diskImageStep,
  artifact: async () => (await import("../src/steps/artifact.ts")).artifactStep,
  signatures: async () => (await import("../src/steps/signatures.ts")).signaturesStep,
  metadata: async () => (await import("../src/steps/metadata.ts")).metadataStep,
  "aws-upload": async () => (await import("../clouds/aws/steps/upload.ts")).awsUploadStep,
  "aws-snapshot": async () => (await import("../clouds/aws/steps/write-snapshot.ts")).awsSnapshotStep,
  "aws-snapshots": async () => (await import("../clouds/aws/steps/tag-snapshots.ts")).awsSnapshotsStep,
  "aws-channel": async () => (await import("../clouds/aws/steps/read-back-channel.ts")).awsChannelStep,
};

/** A result must fit into the environment of later calls with room to spare. */
const maximumResultBytes = 4096;

await runCommand(undefined, async () => {
  const operation = process.argv[2];
  const name = stepNames.find((name) => name === process.env.ALPINE_STEP);
  if (name === undefined || (operation !== "create" && operation !== "update" && operation !== "delete")) {
    throw new UserError(
      "step-unknown",
      `step '${process.env.ALPINE_STEP ?? ""}' with operation '${operation ?? ""}' is unknown`,
      `this program is run by Pulumi with ALPINE_STEP (${stepNames.join(", ")}) and create, update or delete`,
    );
  }
  endWithEngine();
  const step = await steps[name]();
  const input = JSON.parse(process.env.ALPINE_STEP_INPUT ?? "null") as never;
  const previous = JSON.parse(process.env.PULUMI_COMMAND_STDOUT || "null") as never;
  if (operation === "delete") {
    await step.delete(input, previous);
    return;
  }
  const result = operation === "create" ? await step.create(input) : await step.update(input, previous);
  const line = JSON.stringify(result);
  if (Buffer.byteLength(line) > maximumResultBytes)
    throw new Error(`the result of ${name} is ${line.length} bytes long`);
  process.stdout.write(`${line}\n`);
});
