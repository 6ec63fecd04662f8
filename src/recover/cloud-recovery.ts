/** How a cloud finds and removes leftovers of interrupted runs. The folders in `clouds/` implement it. */
import type { StackSettings } from "../configuration/settings.ts";
import type { DeclaredImage } from "../configuration/variant.ts";
import type { StackState, StateResource } from "../stacks/state.ts";

/** Recovers a cloud from interrupted runs. */
export interface CloudRecovery {
  /** Whether a state has, or had, anything in this cloud. */
  isIn(state: StackState): boolean;
  /**
   * Checks the credentials. Changes nothing.
   * @returns a function that does the work; undefined if the stack has nothing in this cloud
   * @throws UserError if the credentials are not those of the account that has the stack's images
   */
  prepare(
    declared: readonly DeclaredImage[],
    settings: StackSettings,
    state: StackState,
  ): Promise<RecoverCloud | undefined>;
}

/**
 * Deletes leftovers that nobody can use, and returns how to change the state so that the next `up` sees the rest.
 * @param requireAlone must be called before each deletion: it throws if a run of the stack has started
 */
export type RecoverCloud = (requireAlone: () => void) => Promise<Recovered>;

/** The result of a recovery. */
export interface Recovered {
  /** Resources to add to the state. */
  adopted: StateResource[];
  /** Resources of the state that the next `up` must do again. */
  unfinished: StateResource[];
  /** Messages for people, one line each. */
  notes: string[];
}

/** A cloud, as recovery sees it. */
export interface RecoverableCloud {
  readonly name: string;
  readonly publishing?: { readonly recovery?: CloudRecovery };
}
