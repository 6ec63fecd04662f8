/**
 * `npm run pulumi -- ARGS`: the Pulumi CLI with this project's tools, after whatever the bootstrap finds to do.
 *
 * Where no backend is configured, state is kept under work/pulumi; stack `dev` then has a passphrase of its own
 * (see src/bootstrap/environment.mjs). Everything else, the user's environment variables first, is Pulumi's.
 */
import { fileURLToPath } from "node:url";
import { bootstrap, withErrorsShown } from "./bootstrap.mjs";
import { pulumiEnvironment, stackNamedBy } from "../src/bootstrap/environment.mjs";
import { runInForeground } from "../src/bootstrap/run-in-foreground.mjs";

/**
 * Sets up what is missing and runs the Pulumi CLI.
 * @param {readonly string[]} arguments_
 * @returns {Promise<number>} the CLI's exit code
 */
export async function pulumi(arguments_) {
  const tools = await bootstrap();
  const env = pulumiEnvironment({ tools, stack: stackNamedBy(arguments_) });
  return await runInForeground(tools.pulumi.path, arguments_, env);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await withErrorsShown(async () => {
    process.exitCode = await pulumi(process.argv.slice(2));
  });
}
