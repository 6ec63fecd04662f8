/** Chooses the accelerator for guests: hardware acceleration if it works on this host, emulation otherwise. */
import { accessSync, constants, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { execa } from "execa";
import { UserError } from "../lib/user-error.ts";
import { scratchFolder } from "../lib/workspace.ts";
import { runJob } from "./guest.ts";
import { hostArchitecture } from "./host-architecture.ts";
import { jobArchive } from "./job.ts";
import { answersFile, readAnswers, saveAnswer } from "./probe-answers.ts";
import { type Accelerator, type Architecture, findQemu } from "./qemu.ts";

/** An accelerated guest boots in about a second, unless it hangs forever. */
const probeDeadlineSeconds = 10;

/**
 * The fastest accelerator that runs guests of an architecture on this host. Being able to open `/dev/kvm` proves
 * nothing: on some hosts every KVM guest hangs. So this boots a guest with a deadline and caches the answer; a failure
 * is cached for a day.
 * @param boot the kernel and archive of the first appliance
 */
export async function acceleratorFor(
  arch: Architecture,
  boot: { kernel: string; archive: string },
): Promise<Accelerator> {
  const known = await knownAccelerator(arch);
  const candidate = candidateFor(arch);
  if (known !== undefined || candidate === undefined) return known ?? "tcg";
  const fault = await probe(arch, candidate, boot);
  const works = fault === undefined;
  process.stderr.write(
    works
      ? `accelerator ${candidate}: works for ${arch}\n`
      : `accelerator ${candidate}: does not run guests here (${fault}); ${arch} guests are emulated for a day (recorded in ${answersFile()})\n`,
  );
  saveAnswer(await hostKey(arch, candidate), works || new Date().toISOString());
  return works ? candidate : "tcg";
}

/** The same, from cached answers only: needs no guest, and therefore no appliance and no mirror. */
export async function knownAccelerator(arch: Architecture): Promise<Accelerator | undefined> {
  const candidate = candidateFor(arch);
  if (candidate === undefined) return "tcg";
  const known = answerOf(readAnswers()[await hostKey(arch, candidate)], Date.now());
  return known === undefined ? undefined : known ? candidate : "tcg";
}

/** Everything that affects whether an accelerator works and is cheap to find out. */
async function hostKey(arch: Architecture, candidate: Accelerator): Promise<string> {
  const { stdout: version } = await execa(await findQemu(arch), ["--version"]);
  return [candidate, arch, os.release(), os.cpus()[0]?.model, version.split("\n")[0]].join(" | ");
}

/** `true`, or the time at which the probe failed, in ISO 8601. */
type Answer = unknown;

/**
 * What a cached answer means now. A probe may fail for a temporary reason (an overloaded host, a hypervisor that was
 * busy or has been fixed since), so a failure expires after a day.
 */
export function answerOf(answer: Answer, now: number): boolean | undefined {
  if (answer === true) return true;
  const age = typeof answer === "string" ? now - Date.parse(answer) : NaN;
  return age >= 0 && age < 24 * 60 * 60 * 1000 ? false : undefined;
}

/** The accelerator worth trying on this host. */
function candidateFor(arch: Architecture): "kvm" | "hvf" | undefined {
  if (hostArchitecture() !== arch) return undefined;
  if (process.platform === "darwin") return "hvf";
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
    return "kvm";
  } catch {
    return undefined;
  }
}

/** Boots a guest that only reports that it is up. Returns what went wrong, if anything did. */
async function probe(
  arch: Architecture,
  accelerator: Accelerator,
  boot: { kernel: string; archive: string },
): Promise<string | undefined> {
  const scratch = scratchFolder("probe");
  try {
    await runJob({
      what: `the ${accelerator} probe`,
      place: { kind: "vm", arch, accelerator, ...boot },
      job: jobArchive({ arch, main: "probe", sourceDateEpoch: 1, keyFiles: [], variables: {} }),
      repositories: [],
      mirror: { name: "none", url: "", keyFiles: [] },
      consoleLog: path.join(scratch, "console.log"),
      scratch,
      deadlineSeconds: probeDeadlineSeconds,
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.what.split("\n")[0];
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
