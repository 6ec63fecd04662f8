/**
 * The builder's end of a remote build, started by `scripts/build-here.ts`. Reads a job, one line of JSON, from standard
 * input, builds and boot-tests the image, and sends its files to standard output. Progress and errors go to stderr.
 *
 * Standard input also carries the heartbeat: when it closes or falls silent, this process ends, and so do its guests.
 */
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import type { BootCloud } from "../boot-test/boot-cloud.ts";
import type { CloudRules } from "../configuration/cloud-rules.ts";
import type { Variant } from "../configuration/variant.ts";
import { inputsDigest } from "../builder/inputs.ts";
import { findMissing, installMissing, requirementsToBuild } from "../bootstrap/system-tools.mjs";
import { VersionMemory } from "../bootstrap/tools-file.mjs";
import { userErrorOf } from "../lib/command.ts";
import { defined } from "../lib/defined.ts";
import { withFileLock } from "../lib/file-lock.ts";
import { UserError } from "../lib/user-error.ts";
import { workFolder } from "../lib/workspace.ts";
import { type DiskImageResult, diskImageStep } from "../steps/disk-image.ts";
import { imageFolder } from "../steps/image-folder.ts";
import type { RemoteJob } from "./build-remotely.ts";
import { readHeartbeat } from "./heartbeat.ts";
import { sendFiles, writeFailure } from "./file-transfer.ts";

/** @param clouds all known clouds */
export async function buildHere(clouds: readonly (BootCloud & CloudRules)[]): Promise<void> {
  const step = diskImageStep(clouds);
  const nextLine = readHeartbeat(process.stdin);
  const job = JSON.parse(await nextLine()) as RemoteJob;
  const folder = imageFolder(job.variant);
  const lock = path.join(workFolder, "remote", `${path.basename(folder)}.lock`);
  // Held until the image is fetched, because the next build of this image would replace it.
  await withFileLock(lock, async () => {
    const result = await build(job, step).catch((error: unknown) => sendFailure(folder, error));
    if (result !== undefined) {
      process.stderr.write(`${job.variant.name}: sending the image\n`);
      await sendFiles(folder, readdirSync(folder).sort(), process.stdout);
    }
    // After a failure no line arrives: the connection closes, and this process ends.
    if ((await nextLine()) === "fetched" && result !== undefined) {
      await step.delete(job, result);
    }
  });
}

async function build(job: RemoteJob, step: ReturnType<typeof diskImageStep>): Promise<DiskImageResult> {
  const { variant, build } = job;
  // A mirror on loopback is forwarded through the connection, so a proxy cannot reach it.
  process.env["no_proxy"] = [process.env["no_proxy"] ?? process.env["NO_PROXY"], "127.0.0.1"]
    .filter(Boolean)
    .join(",");
  const digest = inputsDigest(variant, build);
  if (digest !== job.inputsDigest) {
    throw new UserError(
      "builder-inputs-differ",
      `the inputs of ${variant.name} have digest ${digest} on the builder, but ${job.inputsDigest} on the machine that requested the build`,
      "this is a bug in what is sent to builders: please report it",
      { where: variant.name },
    );
  }
  await installTools(variant.arch);
  return step.create(job);
}

/** Installs QEMU and firmware if possible (as root on Debian or Alpine). Otherwise throws an error that says how. */
async function installTools(arch: Variant["arch"]): Promise<void> {
  await withFileLock(path.join(workFolder, "remote", "tools.lock"), async () => {
    const requirements = requirementsToBuild(arch);
    const missing = await findMissing(requirements, new VersionMemory(), {});
    if (missing.length > 0) await installMissing(missing, new AbortController().signal);
  });
}

/** Sends the reason for a failed build, and its logs. */
async function sendFailure(folder: string, thrown: unknown): Promise<undefined> {
  const error = userErrorOf(thrown);
  mkdirSync(folder, { recursive: true });
  const failure =
    error === undefined
      ? { code: "internal" as const, what: (thrown as Error).stack ?? String(thrown) }
      : { code: error.code, what: error.what, ...defined({ hint: error.hint, where: error.where }) };
  const name = writeFailure(folder, { ...failure, folder });
  const logs = readdirSync(folder).filter((name) => name.endsWith(".log"));
  await sendFiles(folder, [name, ...logs.sort()], process.stdout);
  rmSync(folder, { recursive: true, force: true });
}
