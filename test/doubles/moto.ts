/** moto, the AWS emulator from PyPI: the S3 server of the tests. It is installed once, below work/. */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { withFileLock } from "../../scripts/lib/file-lock.ts";
import { freePort } from "../../scripts/lib/loopback.ts";

const version = "5.2.5";
const folder = join(resolve(import.meta.dirname, "../.."), "work/doubles", `moto-${version}`);

/** The server's program; the first time it takes what pip takes, half a minute. */
async function installed(): Promise<string> {
  const server = join(folder, "bin/moto_server");
  return await withFileLock(`${folder}.lock`, async () => {
    if (existsSync(server)) return server;
    rmSync(folder, { recursive: true, force: true });
    try {
      await execa("python3", ["-m", "venv", folder]);
      const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
      // S3 and EBS need no more than this of what `moto[server]` asks for, which is five times as much.
      await execa(join(folder, "bin/python"), [...pip, `moto[s3]==${version}`, "flask", "flask-cors"]);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
    return server;
  });
}

export interface Moto {
  /** `http://127.0.0.1:PORT`, for AWS_ENDPOINT_URL_S3. */
  url: string;
  stop(): void;
}

/** A fresh, empty server on loopback; it forgets everything when it stops. */
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
  throw new Error("moto didn't answer in a minute");
}
