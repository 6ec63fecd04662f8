/** Explains where images are built on this machine: `npm run build -- --why`. */
import { UserError } from "../lib/user-error.ts";
import type { BuildSettings } from "./build-settings.ts";
import { findAbilities, type Lack } from "./namespace/abilities.ts";
import { openBuildPlace, placeText } from "./place.ts";
import { startProgress } from "./progress.ts";
import type { Architecture } from "./qemu.ts";

const architectures: readonly Architecture[] = ["x86_64", "aarch64"];

/** Where images of an architecture are built. */
interface Explanation {
  arch: Architecture;
  isolation: "vm" | "namespace" | "none";
  /** `building in namespaces, for VMs of x86_64 are emulated here`. */
  why: string;
  /** What this machine lacks for namespaces, and how to change that. */
  lacks: readonly Lack[];
}

/** Explains the place of each architecture's images, as text or as JSON. */
export async function explainPlaces(build: BuildSettings, asJson: boolean): Promise<string> {
  const explanations: Explanation[] = [];
  for (const arch of architectures) explanations.push(await explain(arch, build));
  if (asJson) return JSON.stringify(explanations, undefined, 2);
  return explanations
    .flatMap(({ arch, why, lacks }) => [
      `${arch}: ${why}`,
      ...lacks.flatMap(({ what, hint }) => [`  missing: ${what}`, `    → ${hint}`]),
    ])
    .join("\n");
}

async function explain(arch: Architecture, build: BuildSettings): Promise<Explanation> {
  try {
    const place = await openBuildPlace(arch, build, startProgress(arch));
    return { arch, isolation: place.place.kind, why: placeText(place), lacks: place.lacks };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    // A mirror that lacks the architecture, for example. What the host lacks is known without one.
    return { arch, isolation: "none", why: error.what, lacks: findAbilities(arch).lacks };
  }
}
