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

/**
 * Loads a step when it is asked for: the builder alone takes two seconds on a busy machine, and most steps do not need it.
 * Inputs and results are what this project's own components and steps wrote, and each step knows its own.
 */
export type LoadStep = () => Promise<Step<never, object>>;
