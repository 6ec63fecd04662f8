/** The stack settings that the builder needs. */
import { readdirSync } from "node:fs";
import path from "node:path";
import { overlayFolder } from "../configuration/load.ts";
import type { StackSettings } from "../configuration/settings.ts";
import { projectRoot } from "../lib/workspace.ts";
import type { MirrorSettings } from "./mirror.ts";
import type { Slots } from "./slots.ts";

/** What a build needs besides the variant. Paths are relative to the project, so that state works in any checkout. */
export interface BuildSettings {
  mirror: MirrorSettings;
  /** MiB to add to the declared disk size, for a mirror whose packages are larger than Alpine's. */
  extraDiskMib: number;
  /** Folders whose `scripts/` are added to the job; files in later folders override those in earlier ones. */
  overlays: readonly string[];
  /** How many build and boot guests may run at once on this machine, across all processes. */
  slots: Slots;
  /** Where build guests run: in VMs, in namespaces of this host, or where it is faster. The image's bytes are the same. */
  isolation: "auto" | "vm" | "namespace";
  /** `auto` probes; any other value is used as is. */
  accelerator: "auto" | "kvm" | "hvf" | "tcg";
  /** Deadline of one guest, counted from when it gets its slot. */
  timeoutMinutes: number;
  /** Size limit of the caches, in GiB. */
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
