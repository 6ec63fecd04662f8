/** Steps of an image's way that are done by a tracked command. */
export const stepNames = [
  "disk-image",
  "artifact",
  "signatures",
  "metadata",
  "aws-upload",
  "aws-snapshot",
  "aws-snapshots",
  "aws-channel",
] as const;
export type StepName = (typeof stepNames)[number];

/** Environment variables by which a command tells which step it is, and what it works on, as JSON: states have them, too. */
export const stepVariables = { name: "ALPINE_STEP", input: "ALPINE_STEP_INPUT" } as const;

/**
 * What a step does when its resource is created, updated and deleted. `Result` is printed as one line of JSON, under
 * 4 kB, and comes back as `previous`: Pulumi hands a command its earlier output.
 */
export interface Step<Input, Result> {
  create(input: Input): Promise<Result>;
  /** Nothing that was published changes; the full result comes again. */
  update(input: Input, previous: Result): Promise<Result>;
  /** Removes what `previous` says is there, if it is still that. */
  delete(input: Input, previous: Result): Promise<void>;
}
