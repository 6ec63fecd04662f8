/**
 * Runs moto from PyPI, the tests' S3 server. `npm test` installs it once under work/ before its suites, and so does
 * `node test/doubles/moto.ts`.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { execa, ExecaError } from "execa";
import { withFileLock } from "../../src/lib/file-lock.ts";
import { freePort } from "../../src/lib/loopback.ts";

const version = "5.2.5";
const folder = join(resolve(import.meta.dirname, "../.."), "work/doubles", `moto-${version}`);

/** What this machine lacks for moto, in one line. */
export class MotoUnavailable extends Error {}

/**
 * The server's program. The first call installs it, which takes pip half a minute.
 * @throws MotoUnavailable if python3, its venv or PyPI is missing
 */
async function installed(): Promise<string> {
  const server = join(folder, "bin/moto_server");
  return await withFileLock(`${folder}.lock`, async () => {
    if (existsSync(server)) return server;
    rmSync(folder, { recursive: true, force: true });
    try {
      await has("python3 with venv (Debian: python3-venv)", "python3", "-m", "venv", folder);
      const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
      // S3 needs only these of the packages of `moto[server]`, which are five times as many.
      const packages = [`moto[s3]==${version}`, "flask", "flask-cors"];
      await has("PyPI", join(folder, "bin/python"), ...pip, ...packages);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
    return server;
  });
}

/** Runs a program that needs `what`, and reports that as missing if it fails. */
async function has(what: string, program: string, ...arguments_: string[]): Promise<void> {
  try {
    await execa(program, arguments_);
  } catch (error) {
    if (!(error instanceof ExecaError)) throw error;
    const said = [error.stderr, error.stdout, error.originalMessage].join("\n").trim().split("\n");
    const reason = said.find((line) => /^error/i.test(line)) ?? said[0] ?? "";
    throw new MotoUnavailable(
      `moto ${version} cannot be installed, because it needs ${what}: ${reason.trim()}`,
    );
  }
}

/** For a suite's `before`: if moto is unavailable, skips the suite and says why. */
export async function skipWithoutMoto(suite: Mocha.Context): Promise<void> {
  // Outside of `npm test` moto may not be installed yet. Its installation must not count as test time.
  suite.timeout(0);
  try {
    await installed();
  } catch (error) {
    if (!(error instanceof MotoUnavailable)) throw error;
    console.log(`      skipped: ${error.message}`);
    suite.skip();
  }
}

export interface Moto {
  /** `http://127.0.0.1:PORT`, for AWS_ENDPOINT_URL_S3. */
  url: string;
  stop(): void;
}

/** Starts an empty server on loopback, which forgets everything when it stops. */
export async function startMoto(): Promise<Moto> {
  const program = await installed();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(program, ["--host", "127.0.0.1", "--port", String(port)], { stdio: "ignore" });
  const stop = (): void => void child.kill();
  process.once("exit", stop);
  await untilAnswers(url, child);
  return { url, stop };
}

async function untilAnswers(url: string, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`moto ended with ${child.exitCode}`);
    try {
      await fetch(`${url}/moto-api/`);
      return;
    } catch {
      await sleep(100);
    }
  }
  child.kill();
  throw new Error("moto did not answer within a minute");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    console.log(await installed());
  } catch (error) {
    if (!(error instanceof MotoUnavailable)) throw error;
    console.log(`not installed; tests that need it are skipped: ${error.message}`);
  }
}
