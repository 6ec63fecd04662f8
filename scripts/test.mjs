/**
 * `npm test`: sets up what tests need, then runs lint, type checks, unit tests and end-to-end tests. Its last line is
 * `N passed, N failed, N skipped`, from mocha's counts. A run without any tests fails.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { bootstrap, withErrorsShown } from "./bootstrap.mjs";
import { projectRoot } from "../src/bootstrap/pinned.mjs";
import { findOnPath } from "../src/bootstrap/processes.mjs";

const resultsFolder = join(projectRoot, "work", "test-results");
const counts = { passed: 0, failed: 0, skipped: 0 };

/**
 * Runs one part of the checks and prints how long it took.
 * @param {string} name
 * @param {readonly string[]} command
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {boolean} whether it succeeded
 */
function part(name, command, env = process.env) {
  const [program = "", ...arguments_] = command;
  const begun = performance.now();
  console.log(`\n== ${name}`);
  const { status } = spawnSync(program, arguments_, { cwd: projectRoot, stdio: "inherit", env });
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  console.log(`== ${name}: ${status === 0 ? "ok" : `FAILED (${status})`} in ${seconds} s`);
  return status === 0;
}

/**
 * Runs a mocha suite and adds its counts. A suite that ends without counts has failed.
 * @param {string} script the npm script
 */
function suite(script) {
  const file = join(resultsFolder, `${script.replace(":", "-")}.json`);
  rmSync(file, { force: true });
  const reporter = ["--", "--reporter", "test/counting-reporter.cjs"];
  const went = part(script, ["npm", "run", "--silent", script, ...reporter], {
    ...process.env,
    MOCHA_COUNTS: file,
  });
  if (!existsSync(file)) {
    console.error(`${script} ended without a result`);
    return false;
  }
  /** @type {typeof counts} */
  const result = JSON.parse(readFileSync(file, "utf8"));
  for (const key of /** @type {const} */ (["passed", "failed", "skipped"])) counts[key] += result[key];
  if (result.passed + result.failed === 0) console.error(`${script} ran no test`);
  return went && result.passed > 0;
}

/** The offline kit extracts programs from Debian packages. */
const offlineKit = ["apt-get", "dpkg-deb"].every((program) => findOnPath(program) !== undefined);

function makeOfflineKit() {
  if (!offlineKit) {
    console.log(
      "\n== offline kit: skipped, because it needs apt and dpkg; tests that need it are skipped, too",
    );
    return true;
  }
  const make = ["node", "offline-kit/mirror/make.ts"];
  return ["x86_64", "aarch64"].every((arch) => part(`offline kit for ${arch}`, [...make, "--arch", arch]));
}

await withErrorsShown(async () => {
  await bootstrap({ tests: true, offlineKit });
  mkdirSync(resultsFolder, { recursive: true });
  const all = [
    makeOfflineKit(),
    part("moto, the S3 of tests", ["node", "test/doubles/moto.ts"]),
    part("lint", ["npm", "run", "--silent", "lint"]),
    part("types", ["npm", "run", "--silent", "typecheck"]),
    suite("test:unit"),
    suite("test:e2e"),
  ];
  console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  if (all.includes(false)) process.exitCode = 1;
});
