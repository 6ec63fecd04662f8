/** Runs jobs in build guests: starts the guest, serves its packages, and reads its report. */
import { statfsSync } from "node:fs";
import { noRoomError, UserError } from "../lib/user-error.ts";
import type { GuestJob, GuestPlace, StartedGuest } from "./guest-job.ts";
import { startNamespaceGuest } from "./namespace/guest.ts";
import { packageProxy, type PackageProxy } from "./package-proxy.ts";
import type { Progress } from "./progress.ts";
import { consoleHint, kernelPanic } from "./qemu.ts";
import { startVmGuest } from "./vm-guest.ts";

/**
 * Runs a job in a new guest and waits until it ends.
 * @returns the JSON value that the guest reported
 * @throws UserError if it reports a failed script, ends without a report, or exceeds its deadline
 */
export async function runJob(guestJob: GuestJob): Promise<unknown> {
  const { scratch } = guestJob;
  const deadlineSeconds = guestJob.deadlineSeconds ?? 900;
  const proxy = packageProxy(guestJob.mirror, guestJob.repositories, guestJob.useCache ?? true);
  let guest: StartedGuest | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    guest = await start(guestJob, proxy.server);
    let timedOut = false;
    timer = setTimeout(() => {
      timedOut = true;
      guest?.kill();
    }, deadlineSeconds * 1000);
    const reading = readReport(guest.lines, guestJob.progress, guestJob.onBaseMade);
    // Awaited below, after the guest has ended.
    reading.catch(() => guest?.kill());
    const ended = await guest.ended;
    guest.close();
    // A guest may not notice lost writes: its kernel writes later, when no program checks the result.
    if (isFull(scratch)) throw noRoomError(scratch);
    const told = await reading;
    if (told.result !== undefined) return told.result;

    const fault = proxy.fault();
    if (fault instanceof UserError) throw fault;
    throw jobError(guestJob, told, ended, timedOut ? deadlineSeconds : undefined);
  } finally {
    clearTimeout(timer);
    guest?.kill();
    guest?.close();
    await proxy.close();
  }
}

function start(job: GuestJob, proxy: PackageProxy["server"]): Promise<StartedGuest> {
  return job.place.kind === "vm"
    ? startVmGuest(job, job.place, proxy)
    : startNamespaceGuest(job, job.place, proxy);
}

/** What a guest runs in, for messages. */
const programs: Record<GuestPlace["kind"], string> = { vm: "QEMU", namespace: "bubblewrap" };

/** Why a guest ended without a result. @param deadlineSeconds the deadline, if the guest exceeded it */
function jobError(
  { what, consoleLog, place }: GuestJob,
  { failed, because, lastPhase }: Report,
  { exitCode, stderr }: Awaited<StartedGuest["ended"]>,
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
  const end =
    exitCode === 0
      ? ""
      : ` (${programs[place.kind]} exited with ${exitCode ?? "a signal"}: ${stderr || "no message"})`;
  return new UserError("guest-no-report", `${where}, ended without a report${end}`, log, { where: what });
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
