/**
 * `npm start`: sets up what is missing, makes stack `dev` if it does not exist, and brings it up: one NoCloud image,
 * built, boot-tested and in local storage. Running it again on a finished stack changes nothing.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { bootstrap, withErrorsShown } from "./bootstrap.mjs";
import { projectRoot } from "../src/bootstrap/pinned.mjs";
import { pulumiEnvironment } from "../src/bootstrap/environment.mjs";
import { runInForeground } from "../src/bootstrap/run-in-foreground.mjs";

/** dev-stack.ts's exit code if the official mirror cannot be reached. */
const offlineStatus = 3;

const stackFile = join(projectRoot, "Pulumi.dev.yaml");

await withErrorsShown(async () => {
  const begun = performance.now();
  const tools = await bootstrap();
  if (!existsSync(stackFile)) {
    // A separate program checks the network, because it uses npm packages, which may have just been installed.
    const offline = runScript("scripts/dev-stack.ts", "choose-mirror") === offlineStatus;
    if (offline) await makeOfflineKit();
    mustSucceed(runScript("scripts/dev-stack.ts", "write", offline ? "offline" : "official"));
  } else if (readFileSync(stackFile, "utf8").includes("name: offline")) {
    await makeOfflineKit();
  }
  const env = pulumiEnvironment({ tools, stack: "dev" });
  const cli = tools.pulumi.path;
  mustSucceed(await runInForeground(cli, ["stack", "select", "--create", "dev", "--non-interactive"], env));
  console.error(`setup took ${((performance.now() - begun) / 1000).toFixed(1)} s`);
  // There is no confirmation prompt here, so a preview would only take time.
  const up = ["up", "--yes", "--skip-preview", "--stack", "dev", ...process.argv.slice(2)];
  process.exitCode = await runInForeground(cli, up, env);
});

/**
 * Runs one of the project's TypeScript programs.
 * @param {string} script
 * @param {...string} arguments_
 * @returns {number} its exit status
 */
function runScript(script, ...arguments_) {
  // The Node that the bootstrap chose: this process's may be too old for TypeScript.
  const { status } = spawnSync("node", [script, ...arguments_], {
    cwd: projectRoot,
    stdio: "inherit",
  });
  return status ?? 1;
}

/** Programs report their own errors. @param {number} status */
function mustSucceed(status) {
  if (status !== 0) process.exit(status);
}

async function makeOfflineKit() {
  await bootstrap({ offlineKit: true });
  mustSucceed(runScript("offline-kit/mirror/make.ts"));
}
