import { readdirSync } from "node:fs";
import path from "node:path";
import { overlayFolder } from "../configuration/load.ts";
import type { StackSettings } from "../configuration/settings.ts";
import { projectRoot } from "../lib/workspace.ts";
import type { MirrorSettings } from "./mirror.ts";
import type { Slots } from "./slots.ts";

/** What a build needs to know besides the variant. Paths are relative to the project, so that state can move. */
export interface BuildSettings {
  mirror: MirrorSettings;
  /** MiB that images need beyond their declared disk size, for a mirror whose packages are larger than Alpine's. */
  extraDiskMib: number;
  /** Folders whose `scripts/` join the job, later ones over earlier ones. */
  overlays: readonly string[];
  /** Build and boot guests that may run at once on this machine, over all processes. */
  slots: Slots;
  /** `auto` probes; anything else is taken as said. */
  accelerator: "auto" | "kvm" | "hvf" | "tcg";
  /** For one guest, from when it has its slot. */
  timeoutMinutes: number;
  /** What the caches may take of the disk, in GiB. */
  cacheGib: number;
}

/** The builder's part of a stack's settings. */
export function buildSettings(settings: StackSettings, root = projectRoot): BuildSettings {
  const { name, url, keys, diskExtraMib } = settings.mirror;
  return {
    mirror: { name, url, keyFiles: [...pinnedKeys(root), ...keys] },
    extraDiskMib: diskExtraMib,
    overlays: settings.overlays.map((overlay) => overlayFolder(root, overlay)),
    ...settings.build,
  };
}

/** Alpine's own keys, which come with the project. */
function pinnedKeys(root: string): string[] {
  const folder = "configs/keys";
  return readdirSync(path.join(root, folder))
    .filter((name) => name.endsWith(".pub"))
    .sort()
    .map((name) => `${folder}/${name}`);
}
