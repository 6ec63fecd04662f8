/**
 * `npm run pulumi -- ARGS`: bootstraps if necessary, then runs the Pulumi CLI with this project's tools.
 *
 * If no backend is configured, state is kept in work/pulumi, and stack `dev` has a default passphrase (see
 * src/bootstrap/environment.mjs). Everything else is left to Pulumi; the user's environment variables take precedence.
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
