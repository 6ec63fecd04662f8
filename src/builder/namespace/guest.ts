/** Runs build guests in namespaces: the same job as in a VM, on the host's own kernel. */
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import type { StartGuest } from "../guest-job.ts";
import { placeArchive } from "../job.ts";
import { unpackRoot } from "./root-folder.ts";
import { startSandboxed } from "./sandbox.ts";
import { seccompFilter } from "./seccomp.ts";

/** Where a guest finds the package proxy, in its own network. */
const proxyPort = 8080;

/** Memory for the folders of passing files. */
const temporaryBytes = 256 * 2 ** 20;

/** Starts a job in namespaces. */
export const startNamespaceGuest: StartGuest<"namespace"> = async (job, { host, archive }, proxy) => {
  const { scratch, disk, sharedDisk } = job;
  const root = path.join(scratch, "root");
  const place = placeArchive(job.repositories, {
    proxy: `127.0.0.1:${proxyPort}`,
    disk: "/disks/disk",
    sharedDisk: "/disks/shared",
  });
  unpackRoot(root, [readFileSync(archive), job.job, place]);
  const filter = path.join(scratch, "seccomp");
  writeFileSync(filter, seccompFilter(host.arch));
  const disks = [
    ...(disk === undefined ? [] : [{ name: "disk", file: path.resolve(disk), readOnly: false }]),
    ...(sharedDisk === undefined
      ? []
      : [{ name: "shared", ...sharedDisk, file: path.resolve(sharedDisk.file) }]),
  ];
  for (const { name, file, readOnly } of disks) {
    writeFileSync(path.join(root, "disks", name), "");
    // The guest's users are strangers here, and reach this file alone.
    chmodSync(file, readOnly ? 0o644 : 0o666);
  }
  const memoryBytes = (job.memoryMib ?? 1024) * 2 ** 20;
  const temporary = ["/tmp", "/run"].flatMap((place) => ["--size", String(temporaryBytes), "--tmpfs", place]);
  const program = await startSandboxed({
    ids: host.ids,
    ...(host.emulator !== undefined && { emulator: host.emulator }),
    root,
    files: disks,
    filter,
    log: job.consoleLog,
    service: { server: proxy, port: proxyPort },
    memoryBytes,
    // Except for its disk, no guest has a file that is larger than what it may have in memory.
    fileBytes: Math.max(memoryBytes, disk === undefined ? 0 : statSync(disk).size),
    options: [
      temporary,
      ["--size", String(memoryBytes), "--tmpfs", "/work"],
      ["--dev", "/work/target/dev", "--proc", "/work/target/proc"],
    ].flat(),
    command: ["/bin/sh", "/init-namespace"],
  });
  return {
    ended: program.ended,
    kill: program.kill,
    lines: createInterface({ input: program.report, crlfDelay: Infinity })[Symbol.asyncIterator](),
    close: () => {},
  };
};
