/** A builder's end of a remote build. `src/remote/build-remotely.ts` starts it over SSH. */
import { clouds } from "../clouds/registry.ts";
import { runMain } from "../src/lib/user-error.ts";
import { buildHere } from "../src/remote/build-here.ts";

await runMain(() => buildHere(clouds));
// The life line would keep it up.
process.exit();
