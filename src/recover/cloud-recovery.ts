/** How a cloud finds and clears what broken runs left in it. The folders in `clouds/` implement it. */
import type { StackSettings } from "../configuration/settings.ts";
import type { DeclaredImage } from "../configuration/variant.ts";
import type { StackState, StateResource } from "../stacks/state.ts";

/** What is left of broken runs in a cloud, and what becomes of it. */
export interface CloudRecovery {
  /** Whether a state has, or had, anything in this cloud. */
  isIn(state: StackState): boolean;
  /**
   * Checks the credentials. Changes nothing.
   * @returns what does the work; undefined if the stack has nothing in this cloud
   * @throws UserError if the credentials are not those of the account that has the stack's images
   */
  prepare(
    declared: readonly DeclaredImage[],
    settings: StackSettings,
    state: StackState,
  ): Promise<RecoverCloud | undefined>;
}

/**
 * Deletes what nobody can use, and says how the state must change so that the next `up` sees the rest.
 * @param requireAlone to be called before each deletion: it throws if a run of the stack has begun
 */
export type RecoverCloud = (requireAlone: () => void) => Promise<Recovered>;

/** What a recovery has come to. */
export interface Recovered {
  /** Resources to add to the state. */
  adopted: StateResource[];
  /** Resources of the state that the next `up` has to do again. */
  unfinished: StateResource[];
  /** For people, a line each. */
  notes: string[];
}

/** A cloud, as far as recovery goes. */
export interface RecoverableCloud {
  readonly name: string;
  readonly publishing?: { readonly recovery?: CloudRecovery };
}
