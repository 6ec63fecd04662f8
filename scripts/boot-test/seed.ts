import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { stringify } from "yaml";
import { optionValue } from "../build/qemu.ts";

/** What a NoCloud data source tells an instance. */
export interface Seed {
  instanceId: string;
  hostname: string;
  /** In OpenSSH's one-line form. */
  sshPublicKey: string;
}

/** A key folded over two lines is a key that the small YAML readers of images do not find. */
const unfolded = { lineWidth: 0 };

/**
 * Writes the seed's files and attaches them as the volume labelled `cidata` that NoCloud looks for. QEMU itself shows
 * the folder as a FAT disk, so no tool has to make an image.
 */
export function seedArguments(seed: Seed, folder: string): string[] {
  mkdirSync(folder, { recursive: true });
  const metadata = {
    "instance-id": seed.instanceId,
    "local-hostname": seed.hostname,
    "public-keys": [seed.sshPublicKey],
  };
  writeFileSync(path.join(folder, "meta-data"), stringify(metadata, unfolded));
  writeFileSync(
    path.join(folder, "user-data"),
    `#cloud-config\n${stringify({ hostname: seed.hostname, ssh_authorized_keys: [seed.sshPublicKey] }, unfolded)}`,
  );
  return [
    ...["-blockdev", `driver=vvfat,node-name=seed,dir=${optionValue(folder)},label=CIDATA,read-only=on`],
    ...["-device", "virtio-blk-pci,drive=seed"],
  ];
}
