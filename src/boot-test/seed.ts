import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { stringify } from "yaml";
import { optionValue } from "../builder/qemu.ts";
import type { Instance } from "./metadata/service.ts";

/** A key folded over two lines is a key that the small YAML readers of images do not find. */
const unfolded = { lineWidth: 0 };

/**
 * Writes an instance's data as the files of a NoCloud seed and attaches them as the volume labelled `cidata` that NoCloud
 * looks for. QEMU itself shows the folder as a FAT disk, so no tool has to make an image.
 */
export function seedArguments(instance: Instance, folder: string): string[] {
  mkdirSync(folder, { recursive: true });
  const metadata = {
    "instance-id": instance.id,
    // cloud-init reads the one, Tiny Cloud the other.
    "local-hostname": instance.hostname,
    hostname: instance.hostname,
    // The nested form is Tiny Cloud's, the plain one cloud-init's; each passes over the other.
    "public-keys": { 0: { "openssh-key": instance.sshPublicKey }, user: instance.sshPublicKey },
  };
  writeFileSync(path.join(folder, "meta-data"), stringify(metadata, unfolded));
  writeFileSync(path.join(folder, "user-data"), instance.userData ?? "");
  return [
    "-blockdev",
    `driver=vvfat,node-name=seed,dir=${optionValue(folder)},label=CIDATA,read-only=on`,
    "-device",
    "virtio-blk-pci,drive=seed",
  ];
}
