/** The interface of steps: the programs that run as Pulumi commands. */

/** The environment variables that name a command's step, and its input as JSON. States contain them, too. */
export const stepVariables = { name: "ALPINE_STEP", input: "ALPINE_STEP_INPUT" } as const;

/**
 * What a step does when its resource is created, updated and deleted. `Result` is printed as one line of JSON, under 4 kB. It comes
 * back as `previous`, because Pulumi passes a command its earlier output.
 */
export interface Step<Input, Result> {
  create(input: Input): Promise<Result>;
  /** Changes nothing that was published, and returns the full result again. */
  update(input: Input, previous: Result): Promise<Result>;
  /** Removes what `previous` describes, if it is unchanged. */
  delete(input: Input, previous: Result): Promise<void>;
}

/**
 * Loads a step on demand: the builder alone takes two seconds on a busy machine, and most steps do not need it. The types are
 * erased, because each step knows its own inputs and results, and only this project writes them.
 */
export type LoadStep = () => Promise<Step<never, object>>;
