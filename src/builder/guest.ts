/** Runs jobs in build guests: starts the guest, serves its packages, and reads its report. */
import { createReadStream, createWriteStream, statfsSync } from "node:fs";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { noRoomError, UserError } from "../lib/user-error.ts";
import { buildConsole, guestProxyAddress } from "./job.ts";
import type { MirrorSettings, Repository } from "./mirror.ts";
import { startPackageProxy } from "./package-proxy.ts";
import type { Progress } from "./progress.ts";
import {
  type Accelerator,
  type Architecture,
  consoleHint,
  type Guest,
  kernelPanic,
  openReportPort,
  optionValue,
  startGuest,
} from "./qemu.ts";
import { cpioArchive } from "./cpio.ts";

/** A job for a build guest, and everything that the guest may access. */
export interface GuestJob {
  /** For messages: `image nocloud_alpine-…`. */
  what: string;
  appliance: { arch: Architecture; accelerator: Accelerator; kernel: string; archive: string };
  /** From `jobArchive`. */
  job: Buffer;
  repositories: readonly Repository[];
  mirror: MirrorSettings;
  /** A raw disk image for the guest to write, if it needs one: /dev/vda. */
  disk?: string;
  /** A second disk, /dev/vdb, which other guests may be reading. */
  sharedDisk?: { file: string; readOnly: boolean };
  /** Whether the guest may read and write the cache that it shares with other guests. @default true */
  useCache?: boolean;
  /** Called when the guest has packed a base tree of this many bytes on the second disk. An error ends the guest. */
  onBaseMade?: (bytes: number) => Promise<void>;
  consoleLog: string;
  progress?: Progress;
  scratch: string;
  /** @default 1024 */
  memoryMib?: number;
  /** The guest is stopped after this long. @default 900 */
  deadlineSeconds?: number;
}

/**
 * The kernel runs unattended, so it must neither wait for randomness nor stay up after a panic. Hardening is off: only
 * root runs in a build guest, and hardening took a fifth of the time of an emulated build.
 */
const commonArguments =
  "quiet panic=-1 random.trust_cpu=on mitigations=off init_on_alloc=0 hardened_usercopy=off randomize_kstack_offset=off nokaslr";
const kernelArguments: Record<Architecture, string> = {
  // On an overloaded host, an emulated timer may not tick while the kernel checks it, and the kernel panics.
  x86_64: `${commonArguments} no_timer_check`,
  aarch64: commonArguments,
};

/**
 * Runs a job in a new guest and waits until it ends.
 * @returns the JSON value that the guest reported
 * @throws UserError if it reports a failed script, ends without a report, or exceeds its deadline
 */
export async function runJob(guestJob: GuestJob): Promise<unknown> {
  const { scratch } = guestJob;
  const deadlineSeconds = guestJob.deadlineSeconds ?? 900;
  const proxy = await startPackageProxy(guestJob.mirror, guestJob.repositories, guestJob.useCache ?? true);
  const report = await openReportPort(scratch);
  let timer: NodeJS.Timeout | undefined;
  try {
    const guest = await startJob(guestJob, proxy.port, report.arguments);
    let timedOut = false;
    timer = setTimeout(() => {
      timedOut = true;
      guest.kill();
    }, deadlineSeconds * 1000);
    const reading = readReport(report.lines, guestJob.progress, guestJob.onBaseMade);
    // Awaited below, after the guest has ended.
    reading.catch(() => guest.kill());
    const ended = await guest.ended;
    report.close();
    // A guest may not notice lost writes: its kernel writes later, when no program checks the result.
    if (isFull(scratch)) throw noRoomError(scratch);
    const told = await reading;
    if (told.result !== undefined) return told.result;

    const fault = proxy.fault();
    if (fault instanceof UserError) throw fault;
    throw jobError(guestJob, told, ended, timedOut ? deadlineSeconds : undefined);
  } finally {
    clearTimeout(timer);
    report.close();
    await proxy.close();
  }
}

/** Starts the guest with the job as part of its initramfs. */
async function startJob(
  guestJob: GuestJob,
  proxyPort: number,
  reportArguments: readonly string[],
): Promise<Guest> {
  const { appliance, scratch, consoleLog, disk, sharedDisk } = guestJob;
  const initrd = path.join(scratch, "initrd");
  await concatenate(appliance.archive, [guestJob.job, repositoriesArchive(guestJob.repositories)], initrd);
  return startGuest({
    arch: appliance.arch,
    accelerator: appliance.accelerator,
    memoryMib: guestJob.memoryMib ?? 1024,
    consoleLog,
    scratch,
    arguments: [
      ["-kernel", appliance.kernel, "-initrd", initrd],
      ["-append", `console=${buildConsole[appliance.arch]} ${kernelArguments[appliance.arch]}`],
      disk === undefined ? [] : rawDisk("disk", disk),
      sharedDisk === undefined
        ? []
        : // QEMU's own locks would stop a guest from reading a disk that another guest still has open.
          rawDisk(
            "shared",
            sharedDisk.file,
            `file.locking=off,readonly=${sharedDisk.readOnly ? "on" : "off"},`,
          ),
      guestNetwork(proxyPort),
      reportArguments,
    ].flat(),
  });
}

/** Why a guest ended without a result. @param deadlineSeconds the deadline, if the guest exceeded it */
function jobError(
  { what, consoleLog }: GuestJob,
  { failed, because, lastPhase }: Report,
  { exitCode, stderr }: Awaited<Guest["ended"]>,
  deadlineSeconds: number | undefined,
): UserError {
  const where = `the build guest of ${what}, in phase '${lastPhase}'`;
  const log = consoleHint(consoleLog);
  if (deadlineSeconds !== undefined) {
    return new UserError(
      "guest-timeout",
      `${where}, was stopped: it was not done after ${deadlineSeconds} s`,
      log,
      { where: what },
    );
  }
  if (failed !== undefined && because !== undefined)
    return new UserError("guest-request-unmet", `${where}: ${because}`, log, { where: what });
  if (failed !== undefined) {
    return new UserError(
      "guest-script-failed",
      `${where}: script ${failed.script} failed with exit code ${failed.status}`,
      log,
      { where: what },
    );
  }
  const panic = kernelPanic(consoleLog);
  if (panic !== undefined)
    return new UserError("guest-panic", `${where}, ended with a kernel panic: ${panic}`, log, {
      where: what,
    });
  const qemu = exitCode === 0 ? "" : ` (QEMU exited with ${exitCode}: ${stderr || "no message"})`;
  return new UserError("guest-no-report", `${where}, ended without a report${qemu}`, log, { where: what });
}

function rawDisk(id: string, file: string, options = ""): string[] {
  return [
    "-drive",
    `if=none,id=${id},format=raw,cache=unsafe,discard=unmap,detect-zeroes=unmap,werror=report,${options}file.filename=${optionValue(file)}`,
    "-device",
    `virtio-blk-pci,drive=${id}`,
  ];
}

/** Whether the disk of a folder is full. The guest itself would only report read and write errors. */
function isFull(folder: string): boolean {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize < 2 ** 20;
}

interface Report {
  result: unknown;
  failed: { script: string; status: number } | undefined;
  /** What a script found wrong, in its own words. */
  because: string | undefined;
  lastPhase: string;
}

/**
 * Reads the guest's lines: `phase PERCENT WORDS`, `note WORDS`, `made base BYTES`, `because WORDS`, `failed SCRIPT STATUS`,
 * `result JSON`.
 */
export async function readReport(
  lines: AsyncIterable<string>,
  progress?: Progress,
  onBaseMade?: (bytes: number) => Promise<void>,
): Promise<Report> {
  const report: Report = { result: undefined, failed: undefined, because: undefined, lastPhase: "boot" };
  for await (const line of lines) {
    const [word, ...rest] = line.split(" ");
    const text = rest.join(" ");
    if (word === "phase") {
      report.lastPhase = rest.slice(1).join(" ");
      progress?.phase(report.lastPhase, Number(rest[0]));
    } else if (word === "note") {
      progress?.note(text);
    } else if (word === "made") {
      await onBaseMade?.(Number(rest[1]));
    } else if (word === "because") {
      report.because ??= text;
    } else if (word === "failed") {
      // The innermost script reports first; its callers only pass the failure on.
      report.failed ??= { script: rest[0] ?? "", status: Number(rest[1]) };
    } else if (word === "result") {
      try {
        report.result = JSON.parse(text);
      } catch (error) {
        throw new UserError(
          "guest-no-report",
          `the build guest's report is not JSON: ${text.slice(0, 200)}`,
          "check the console log for the cause",
          { cause: error },
        );
      }
    }
  }
  return report;
}

/** The guest's whole network: the proxy, forwarded to one address. `restrict` blocks everything else. */
export function guestNetwork(proxyPort: number): string[] {
  return [
    "-netdev",
    `user,id=net,restrict=on,${guestForward(guestProxyAddress, proxyPort)}`,
    "-device",
    "virtio-net-pci,netdev=net,romfile=",
  ];
}

/** Forwards port 80 of an address in the guest to a port on this host's loopback: an option of QEMU's user network. */
export function guestForward(address: string, port: number): string {
  const program = `"${process.execPath}" "${path.join(import.meta.dirname, "stdio-to-tcp.mjs")}" ${port}`;
  return `guestfwd=tcp:${address}:80-cmd:${optionValue(program)}`;
}

/** /job/repositories: the job's repositories as the proxy serves them, with their tags, if any. */
function repositoriesArchive(repositories: readonly Repository[]): Buffer {
  const lines = repositories.map((repository, index) => {
    const url = `http://${guestProxyAddress}/${index}`;
    return repository.tag === undefined ? `${url}\n` : `@${repository.tag} ${url}\n`;
  });
  return cpioArchive([
    { path: "job/repositories", mode: 0o644, kind: "file", content: Buffer.from(lines.join("")) },
  ]);
}

async function concatenate(file: string, buffers: readonly Buffer[], target: string): Promise<void> {
  const output = createWriteStream(target);
  await pipeline(createReadStream(file), output, { end: false });
  for (const buffer of buffers) output.write(buffer);
  await new Promise<void>((resolve, reject) => {
    output.once("error", reject);
    output.end(resolve);
  });
}
