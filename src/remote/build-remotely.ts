/** Builds an image on a builder and fetches its files. */
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { Builder } from "../configuration/settings.ts";
import { moveFile } from "../lib/atomic-file.ts";
import { withFileLock } from "../lib/file-lock.ts";
import { UserError } from "../lib/user-error.ts";
import { cacheFolder, projectRoot, scratchFolder } from "../lib/workspace.ts";
import type { DiskImageInput, DiskImageResult } from "../steps/disk-image.ts";
import { recordName } from "../steps/image-folder.ts";
import { address, BuilderLost, Connection, type RemoteCommand } from "./connection.ts";
import { isOnThisMachine, mirrorServer } from "./mirror-server.ts";
import { receiveFiles, takeFailure } from "./file-transfer.ts";
import { packProject, type ProjectArchive, settingsThere } from "./project-archive.ts";

/** The job that is sent to a builder, as one line of JSON: see build-here.ts. */
export type RemoteJob = Omit<DiskImageInput, "builder">;

/** How many lines of a command's stderr an error shows if there is no better message. */
const tailLines = 20;

/**
 * Builds and boot-tests an image on a builder, and puts its files into a folder on this machine.
 * @param folder gets the image and its files, each of them complete; after a failed build, only the logs
 * @param keep records the build when its files are in place
 * @returns what `keep` returns
 * @throws UserError if the builder cannot be reached or is lost, or if the build fails
 */
export async function buildRemotely(
  builder: Builder,
  input: RemoteJob,
  folder: string,
  keep: (result: DiskImageResult) => DiskImageResult,
): Promise<DiskImageResult> {
  let phase = "during setup";
  const said: string[] = [];
  const hear = (line: string): void => {
    said.push(line);
    if (said.length > tailLines) said.shift();
    if (line.includes("% ")) phase = `at '${line.replace(`${input.variant.name} `, "").trim()}'`;
    process.stderr.write(`${builder.host}: ${line}\n`);
  };
  const archive = await packProject(input.variant, input.build);
  let connection: Connection | undefined;
  try {
    connection = await prepared(builder, archive, hear, said);
    const job = await jobThere(connection, input);
    phase = "at the start of the build";
    const place = `${builder.folder}/projects/${archive.digest}`;
    const script = 'cd "$1" && exec node scripts/node.mjs scripts/build-here.ts';
    const command = await connection.run(script, [place], hear);
    command.send(`${JSON.stringify(job)}\n`);
    return await receive(command, builder, input, folder, keep, said);
  } catch (error) {
    if (!(error instanceof BuilderLost)) throw error;
    throw new UserError(
      "builder-lost",
      `lost the connection to builder ${address(builder)} ${phase}: ${error.message}`,
      "run it again: if the image is finished on the builder, it is fetched and not built again; nothing was stored here, and an unfinished build there stops by itself",
      { where: `builder ${address(builder)}`, cause: error },
    );
  } finally {
    connection?.close();
  }
}

/** Connects to the builder and sets up the project and its npm packages there. */
async function prepared(
  builder: Builder,
  archive: ProjectArchive,
  hear: (line: string) => void,
  said: readonly string[],
): Promise<Connection> {
  const host = `${builder.host.replaceAll(/[/:]/g, "-")}-${builder.port}`;
  // One at a time: SSH servers limit unauthenticated connections, and the first connection installs packages for all.
  return withFileLock(path.join(cacheFolder("builders"), host), async () => {
    const connection = await Connection.open(builder);
    try {
      await prepare(connection, archive, hear, said);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  });
}

async function prepare(
  connection: Connection,
  archive: ProjectArchive,
  hear: (line: string) => void,
  said: readonly string[],
): Promise<void> {
  const { builder } = connection;
  const program = readFileSync(path.join(import.meta.dirname, "prepare.mjs"), "utf8");
  const args = [builder.folder, archive.digest, archive.packages, String(archive.bytes.length)];
  const command = await connection.run('exec node --input-type=module --eval "$@"', [program, ...args], hear);
  let isReady = false;
  for await (const line of createInterface({ input: command.stdout })) {
    if (line === "ready") isReady = true;
    if (line !== "wants") continue;
    hear(`getting the project (${(archive.bytes.length / 1e6).toFixed(1)} MB)`);
    command.send(archive.bytes);
  }
  const status = await command.ended;
  if (isReady && status === 0) return;
  if (status === 127) {
    throw new UserError(
      "builder-node-unusable",
      `builder ${address(builder)} has no Node, or it is not on the PATH of SSH sessions`,
      `install any version of Node with npm there; \`ssh ${builder.host} node --version\` must print its version`,
      { where: `builder ${address(builder)}` },
    );
  }
  throw new UserError(
    "builder-setup-failed",
    `setup of builder ${address(builder)} failed (${status})`,
    `its last output:\n${said.join("\n")}`,
    { where: `builder ${address(builder)}` },
  );
}

/** The job with the builder's settings. A mirror on this machine is forwarded through the connection. */
async function jobThere(connection: Connection, input: RemoteJob): Promise<RemoteJob> {
  const { variant, inputsDigest } = input;
  const { slots } = connection.builder;
  // The builder itself finds out which accelerator works.
  const build = { ...settingsThere(input.build), slots, accelerator: "auto" as const };
  if (isOnThisMachine(build.mirror.url)) {
    const port = await connection.offer(mirrorServer(input.build.mirror));
    build.mirror = { ...build.mirror, url: `http://127.0.0.1:${port}` };
  }
  return { variant, inputsDigest, build };
}

/** Receives a build's files and puts them in place. After a failed build, receives its logs and throws the error. */
async function receive(
  command: RemoteCommand,
  builder: Builder,
  input: RemoteJob,
  folder: string,
  keep: (result: DiskImageResult) => DiskImageResult,
  said: readonly string[],
): Promise<DiskImageResult> {
  const scratch = scratchFolder("remote");
  try {
    const sums = await received(command, builder, scratch);
    const putInPlace = (): void => {
      mkdirSync(folder, { recursive: true });
      for (const name of sums.keys()) {
        if (name !== recordName) moveFile(path.join(scratch, name), path.join(folder, name));
      }
    };
    const failure = takeFailure(scratch, sums);
    if (failure !== undefined) {
      putInPlace();
      const here = (text: string): string => text.replaceAll(failure.folder, folder);
      const hint = failure.hint === undefined ? undefined : here(failure.hint);
      throw new UserError(failure.code, `on builder ${address(builder)}: ${here(failure.what)}`, hint, {
        where: failure.where ?? `builder ${address(builder)}`,
      });
    }
    if (!sums.has(recordName)) {
      throw new UserError(
        "builder-build-failed",
        `the build of ${input.variant.name} on builder ${address(builder)} ended without an image (${await command.ended})`,
        `its last output:\n${said.join("\n")}`,
        { where: `builder ${address(builder)}` },
      );
    }
    const made = JSON.parse(readFileSync(path.join(scratch, recordName), "utf8")) as DiskImageResult;
    const files = [made, ...Object.values(made.documents ?? {})];
    const isWhole = files.every(({ file, sha512 }) => sums.get(path.basename(file)) === sha512);
    if (!isWhole || made.inputsDigest !== input.inputsDigest) {
      throw new UserError(
        "builder-result-wrong",
        `builder ${address(builder)} sent a different image than it built, or built it from other inputs`,
        `delete ${builder.folder}/work there and build again`,
        { where: `builder ${address(builder)}` },
      );
    }
    putInPlace();
    for (const one of files) {
      one.file = path.relative(projectRoot, path.join(folder, path.basename(one.file)));
    }
    const result = keep(made);
    // The builder may now delete its copy. This only frees space there, so a failure does not matter.
    command.send("fetched\n");
    await Promise.race([command.ended, sleep(10_000, undefined, { ref: false })]).catch(() => {});
    return result;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function received(
  command: RemoteCommand,
  builder: Builder,
  scratch: string,
): Promise<Map<string, string>> {
  try {
    return await receiveFiles(command.stdout, scratch);
  } catch (error) {
    // If the builder was lost, report that instead of an archive that ends early.
    await Promise.race([command.ended, sleep(1_000, undefined, { ref: false })]);
    if (error instanceof Error && "code" in error) throw error;
    throw new UserError(
      "builder-result-wrong",
      `the files from builder ${address(builder)} are damaged: ${(error as Error).message}`,
      "run it again: the image is still on the builder",
      { where: `builder ${address(builder)}`, cause: error },
    );
  }
}
