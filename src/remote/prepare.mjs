/**
 * Sets up the project on a builder. Runs there as the text of `node --eval`, because the builder may not have the
 * project yet.
 *
 *   prepare FOLDER PROJECT PACKAGES LENGTH
 *
 * FOLDER/projects/PROJECT is an unpacked project, named by its archive's digest. FOLDER/packages/PACKAGES has the npm
 * packages of its lock file. FOLDER/work is the work folder that all projects share. FOLDER/tools has a Node if the
 * builder's is too old. Standard input has LENGTH bytes of archive after this program asked for it, and carries the
 * heartbeat: when it closes, or nothing arrives for a minute, this program ends.
 *
 * It prints `has` or `wants` (the project), then `ready`.
 */
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { clearTimeout, setTimeout } from "node:timers";
import { pathToFileURL } from "node:url";

const [folder = "", project = "", packages = "", length = ""] = process.argv.slice(1);
const projects = resolve(folder, "projects");
const packageFolders = resolve(folder, "packages");

/** Projects and packages that were not used for this long are deleted. */
const keptDays = 30;

/**
 * @param {string} what
 * @param {string} [remedy]
 * @returns {never}
 */
function fail(what, remedy) {
  process.stderr.write(`error: ${what}${remedy === undefined ? "" : `\n  → ${remedy}`}\n`);
  process.exit(1);
}

/** @type {import("node:child_process").ChildProcess | undefined} */
let child;
const lost = () => {
  child?.kill("SIGKILL");
  process.exit(1);
};
let silence = setTimeout(lost, 60_000);
const ending = new AbortController();
process.on("exit", () => {
  child?.kill("SIGKILL");
  ending.abort();
});
process.stdin.on("close", lost).on("error", lost);

/** @type {Buffer} */
let received = Buffer.alloc(0);
let onBytes = () => {};
process.stdin.on("data", (bytes) => {
  clearTimeout(silence);
  silence = setTimeout(lost, 60_000);
  // Heartbeats are empty lines, and an archive does not begin with one.
  let start = 0;
  while (received.length === 0 && bytes[start] === 10) start += 1;
  received = Buffer.concat([received, bytes.subarray(start)]);
  onBytes();
});

/** Unpacks the received archive. The project appears complete or not at all. */
async function unpack() {
  await /** @type {Promise<void>} */ (
    new Promise((done) => {
      onBytes = () => received.length >= Number(length) && done();
      onBytes();
    })
  );
  const archive = received.subarray(0, Number(length));
  if (createHash("sha256").update(archive).digest("hex") !== project)
    fail("the received project archive is damaged");
  const unfinished = join(projects, `.${project}.${process.pid}`);
  mkdirSync(unfinished, { recursive: true });
  try {
    execFileSync("tar", ["-xzf", "-"], { cwd: unfinished, input: archive });
    symlinkSync("../../work", join(unfinished, "work"));
    symlinkSync("../../tools", join(unfinished, ".tools"));
    symlinkSync(`../../packages/${packages}/node_modules`, join(unfinished, "node_modules"));
    put(unfinished, join(projects, project));
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/** Puts a Node that is new enough first on PATH, and installs one if necessary, like the project's bootstrap. */
async function setUpNode() {
  const module = pathToFileURL(join(projects, project, "src/bootstrap/node.mjs")).href;
  const { ensureNode } = /** @type {typeof import("../bootstrap/node.mjs")} */ (await import(module));
  try {
    await ensureNode(ending.signal);
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}

/** Installs the npm packages. They appear complete or not at all. */
async function install() {
  const unfinished = join(packageFolders, `.${packages}.${process.pid}`);
  mkdirSync(unfinished, { recursive: true });
  try {
    for (const name of ["package.json", "package-lock.json"]) {
      copyFileSync(join(projects, project, name), join(unfinished, name));
    }
    process.stderr.write("npm ci …\n");
    const flags = ["--omit=dev", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"];
    const status = await new Promise((done) => {
      child = spawn("npm", ["ci", ...flags, "--loglevel=error"], {
        cwd: unfinished,
        stdio: ["ignore", "ignore", "inherit"],
      });
      child.on("error", (error) => done(error.message)).on("close", done);
    });
    if (status !== 0) {
      fail(
        `npm ci failed (${status})`,
        "check that npm is installed and can reach its registry (npm config set registry)",
      );
    }
    put(unfinished, join(packageFolders, packages));
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/**
 * Gives a finished folder its name. If two were made at once, the first one stays: they are the same.
 * @param {string} from
 * @param {string} to
 */
function put(from, to) {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!existsSync(to)) throw error;
  }
}

/**
 * Marks a folder as used today, and deletes its siblings that were not used for a long time.
 * @param {string} parent
 * @param {string} name
 */
function use(parent, name) {
  const now = Date.now();
  utimesSync(join(parent, name), now / 1000, now / 1000);
  for (const other of readdirSync(parent)) {
    const unused = now - statSync(join(parent, other)).mtimeMs;
    if (unused > keptDays * 86_400_000) rmSync(join(parent, other), { recursive: true, force: true });
  }
}

const isThere = existsSync(join(projects, project));
process.stdout.write(isThere ? "has\n" : "wants\n");
for (const name of ["work", "tools"]) mkdirSync(resolve(folder, name), { recursive: true });
if (!isThere) await unpack();
await setUpNode();
if (!existsSync(join(packageFolders, packages))) await install();
use(projects, project);
use(packageFolders, packages);
process.stdout.write("ready\n", () => process.exit(0));
