/**
 * Writes the settings and ledger of stack `dev`, for `npm start`: `dev-stack.ts write official|offline`. `choose-mirror`
 * only reports which mirror to use: exit code 0 for official, 3 for the offline kit.
 */
import { officialMirrorUrl } from "../src/lib/official-mirror.ts";
import { runCommand } from "../src/lib/command.ts";
import { UserError } from "../src/lib/user-error.ts";
import { officialMirrorAnswers, writeDevStack } from "../src/stacks/dev-stack.ts";

await runCommand(undefined, async () => {
  const [operation, mirrorName] = process.argv.slice(2);
  if (operation === "choose-mirror") {
    const reached = await officialMirrorAnswers();
    if (!reached)
      process.stderr.write(`${officialMirrorUrl} cannot be reached: stack dev builds from the offline kit\n`);
    process.exitCode = reached ? 0 : 3;
  } else if (operation === "write" && (mirrorName === "official" || mirrorName === "offline")) {
    await writeDevStack(mirrorName);
  } else {
    throw new UserError(
      "usage",
      `unknown operation '${operation ?? ""}'`,
      "use choose-mirror, write official or write offline",
    );
  }
});
