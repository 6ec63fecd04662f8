/** Chooses where the build guests of an image run, and makes what they start from. */
import { rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { UserError } from "../lib/user-error.ts";
import { scratchFolder } from "../lib/workspace.ts";
import { acceleratorFor } from "./accelerator.ts";
import { type Appliance, makeAppliance, type Stage0 } from "./appliance.ts";
import type { BuildSettings } from "./build-settings.ts";
import type { GuestPlace } from "./guest-job.ts";
import { runJob } from "./guest.ts";
import { hostArchitecture } from "./host-architecture.ts";
import { jobArchive } from "./job.ts";
import { findAbilities, type Lack } from "./namespace/abilities.ts";
import { readAnswers, saveAnswer } from "./probe-answers.ts";
import type { Progress } from "./progress.ts";
import { type Accelerator, type Architecture, consoleTail } from "./qemu.ts";

/** A guest in namespaces that only reports starts in a tenth of a second. */
const probeDeadlineSeconds = 10;

/** Where an image's guests run. */
export interface BuildPlace {
  place: GuestPlace;
  appliance: Appliance;
  /** How VMs of the image's architecture run on this host: boot tests, whatever the place. */
  accelerator: Accelerator;
  /** Why this place, as a clause: `this host has no hardware acceleration for x86_64 VMs`. */
  reason: string;
  /** What this host lacks for namespaces. Empty if it lacks nothing, or they were not considered. */
  lacks: readonly Lack[];
}

type Choice = Omit<BuildPlace, "appliance">;
type PlaceSettings = Pick<BuildSettings, "mirror" | "isolation" | "accelerator">;

/**
 * The place for an image's guests. In namespaces, the host itself runs the appliance, so that has the host's architecture. The
 * image's programs may have another one: an emulator runs them.
 * @throws UserError if the settings ask for namespaces and this host cannot run guests in them
 */
export async function openBuildPlace(
  arch: Architecture,
  settings: PlaceSettings,
  progress: Progress,
): Promise<BuildPlace> {
  const hostArch = hostArchitecture();
  const emulated =
    settings.isolation === "vm" || hostArch === undefined || hostArch === arch
      ? { lacks: [] }
      : await placeWithEmulator(arch, hostArch, settings, progress);
  if (emulated.found !== undefined) return emulated.found;
  const { place, appliance, ...choice } = await makeAppliance(arch, settings.mirror, progress, (stage0) =>
    choosePlace(arch, settings, stage0, emulated.lacks),
  );
  return { ...choice, appliance, place: { ...place, archive: appliance.archive } };
}

/** A namespace of this host for an image of another architecture, or what this host lacks for it. */
async function placeWithEmulator(
  arch: Architecture,
  hostArch: Architecture,
  settings: PlaceSettings,
  progress: Progress,
): Promise<{ found?: BuildPlace; lacks: readonly Lack[] }> {
  const { host, lacks } = findAbilities(arch);
  if (host === undefined) return { lacks };
  const { appliance } = await openBuildPlace(hostArch, { ...settings, isolation: "auto" }, progress);
  const place: GuestPlace = { kind: "namespace", host, archive: appliance.archive };
  const fault = await probe(arch, place);
  if (fault !== undefined) return { lacks: [fault] };
  const accelerator = settings.accelerator === "auto" ? "tcg" : settings.accelerator;
  const reason = `programs of ${arch} run faster on this host's kernel than in an emulated VM`;
  return { found: { place, appliance, accelerator, reason, lacks }, lacks };
}

/**
 * The place for guests of the appliance's own architecture.
 * @param known what this host is known to lack for namespaces
 */
async function choosePlace(
  arch: Architecture,
  settings: PlaceSettings,
  stage0: Stage0,
  known: readonly Lack[],
): Promise<Choice> {
  const { isolation } = settings;
  const accelerator =
    settings.accelerator === "auto" ? await acceleratorFor(arch, stage0) : settings.accelerator;
  const vm = (reason: string, lacks: readonly Lack[] = []): Choice => ({
    place: { kind: "vm", arch, accelerator, kernel: stage0.kernel, archive: stage0.archive },
    accelerator,
    reason,
    lacks,
  });
  if (isolation === "vm") return vm("the stack's build.isolation is vm");
  if (isolation === "auto" && accelerator !== "tcg")
    return vm(`VMs of ${arch} run at full speed here (${accelerator})`);

  const { host, lacks } = known.length > 0 ? { host: undefined, lacks: known } : findAbilities(arch);
  const place = host && { kind: "namespace" as const, host, archive: stage0.archive };
  const fault = place && (await probe(arch, place));
  if (place !== undefined && fault === undefined) {
    const reason =
      isolation === "namespace"
        ? "the stack's build.isolation is namespace"
        : `VMs of ${arch} are emulated here`;
    return { place, accelerator, reason, lacks: [] };
  }
  const all = fault === undefined ? lacks : [fault];
  if (isolation === "namespace") throw unavailable(arch, all);
  return vm("this host cannot run build guests in namespaces", all);
}

/** One line about where guests run, and why. */
export function placeText({ place, accelerator, reason, lacks }: BuildPlace): string {
  const where =
    place.kind === "vm"
      ? `a VM (${accelerator})`
      : `namespaces${place.host.emulator === undefined ? "" : " with an emulator"}`;
  const more = lacks.length === 0 ? "" : " (`npm run build -- --why` says what it lacks)";
  return `building in ${where}: ${reason}${more}`;
}

/** The error for settings that ask for what this host cannot do. */
function unavailable(arch: Architecture, lacks: readonly Lack[]): UserError {
  return new UserError(
    "namespace-unavailable",
    `this host cannot run build guests for ${arch} in namespaces: ${lacks.map(({ what }) => what).join("; ")}`,
    `${lacks.map(({ hint }) => hint).join("; ")}; or set build.isolation to auto or vm`,
    { where: "build.isolation" },
  );
}

/** Starts a guest that only reports. Success is remembered. @returns what went wrong, if anything did */
async function probe(
  arch: Architecture,
  place: Extract<GuestPlace, { kind: "namespace" }>,
): Promise<Lack | undefined> {
  const key = ["namespace", arch, os.release(), os.userInfo().username, JSON.stringify(place.host.ids)].join(
    " | ",
  );
  if (readAnswers()[key] === true) return undefined;
  const scratch = scratchFolder("probe");
  try {
    await runJob({
      what: "the namespace probe",
      place,
      job: jobArchive({ arch, main: "probe", sourceDateEpoch: 1, keyFiles: [], variables: {} }),
      repositories: [],
      mirror: { name: "none", url: "", keyFiles: [] },
      consoleLog: path.join(scratch, "console.log"),
      scratch,
      deadlineSeconds: probeDeadlineSeconds,
    });
    saveAnswer(key, true);
    return undefined;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const said = consoleTail(path.join(scratch, "console.log"), 3).replaceAll("\n", "; ");
    return {
      what: `a guest in namespaces does not start here (${error.code === "namespace-unavailable" ? error.what : said})`,
      hint: "a container has to be started so that it allows them; otherwise a security module forbids them",
    };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
