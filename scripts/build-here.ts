/** The builder's end of a remote build. `src/remote/build-remotely.ts` starts it over SSH. */
import { clouds } from "../clouds/registry.ts";
import { runCommand } from "../src/lib/command.ts";
import { buildHere } from "../src/remote/build-here.ts";

await runCommand(undefined, () => buildHere(clouds));
// Standard input, which carries the heartbeat, would keep the process running.
process.exit();
