/** Makes NoCloud seeds, for clouds without a metadata service. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { stringify } from "yaml";
import { optionValue } from "../builder/qemu.ts";
import type { Instance } from "./metadata/service.ts";

/** The simple YAML readers in images do not find a key that is folded over two lines. */
const unfolded = { lineWidth: 0 };

/**
 * Writes an instance's data as a NoCloud seed and attaches it as a volume with the label `cidata`, which NoCloud looks
 * for. QEMU presents the folder as a FAT disk, so no tool is needed to make an image.
 */
export function seedArguments(instance: Instance, folder: string): string[] {
  mkdirSync(folder, { recursive: true });
  const metadata = {
    "instance-id": instance.id,
    // cloud-init reads the first, Tiny Cloud the second.
    "local-hostname": instance.hostname,
    hostname: instance.hostname,
    // Tiny Cloud reads the nested form, cloud-init the plain one. Each ignores the other.
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
