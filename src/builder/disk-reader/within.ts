import { setImmediate } from "node:timers/promises";
import { FormatError } from "../formats/format-error.ts";

/** Does work. A FormatError in it then says where: `/etc/motd: …`. */
export async function within<Result>(where: string, work: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new FormatError(`${where}: ${error.message}`);
  }
}

/** Lets the event loop handle what has happened meanwhile: that nobody waits for the result any more. */
export const turn = (): Promise<void> => setImmediate();
