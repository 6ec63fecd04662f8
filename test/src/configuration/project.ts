/** Small projects in temporary folders, to resolve. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { LoadOptions } from "../../../src/configuration/index.ts";
import type { Variant } from "../../../src/configuration/variant.ts";
import { loadVariants } from "../../helpers/configuration.ts";

export type Files = Record<string, string>;

export const repository = new URL("../../..", import.meta.url).pathname;

/** The least that resolves: two values in each dimension, and one release with all of them. */
export const least: Files = {
  "configs/dimensions.yaml": "[version, arch, firmware, bootstrap, cloud]",
  "configs/defaults.yaml": `
project: test
name: ["{cloud}-{release}-{arch}-{firmware}-{bootstrap}-r{revision}"]
description: [Test]
diskSize: [100]
imageFormat: qcow2
login: alpine
repos: {}
bootloader: extlinux
bootstrapUrl: https://bootstrap.example
storageUrl: file:///storage
downloadUrl: https://download.example
`,
  "configs/mandatory.yaml": "",
  "configs/version/3.18.yaml": "",
  "configs/version/3.19.yaml": "",
  "configs/arch/x86_64.yaml": "title: x86_64",
  "configs/arch/aarch64.yaml": "title: aarch64",
  "configs/firmware/bios.yaml": "title: BIOS",
  "configs/firmware/uefi.yaml": "title: UEFI",
  "configs/bootstrap/tiny.yaml": "title: Tiny",
  "configs/bootstrap/cloudinit.yaml": "title: cloud-init",
  "configs/cloud/aws.yaml": "title: AWS",
  "configs/cloud/azure.yaml": "title: Azure",
  "configs/releases.yaml": `
versions:
  "3.19":
    endOfLife: 2025-11-01
    entries:
      - release: 3.19.1
        date: 2024-01-26
        revision: 0
        stage: local
        added: 2024-02-01
        images:
          - arch: [x86_64, aarch64]
            firmware: [bios, uefi]
            bootstrap: [tiny, cloudinit]
            cloud: [aws, azure]
`,
};

const made: string[] = [];
process.on("exit", () => made.forEach((dir) => rmSync(dir, { recursive: true, force: true })));

/** A folder with these files, in this order, beside or instead of the least ones; an undefined one is left out. */
export function project(files: Record<string, string | undefined> = {}, base: Files = least): string {
  const root = mkdtempSync(join(tmpdir(), "alpine-configs-"));
  made.push(root);
  for (const [name, text] of Object.entries({ ...base, ...files })) {
    if (text === undefined) continue;
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return root;
}

export const variants = (
  files: Record<string, string | undefined> = {},
  options: Partial<LoadOptions> = {},
): Variant[] => loadVariants({ root: project(files), ...options });

/** The one whose key has all of these words. */
export function pick(all: readonly Variant[], ...words: string[]): Variant {
  const found = all.filter(({ dimensions }) =>
    words.every((word) => Object.values(dimensions).includes(word)),
  );
  if (found.length === 0) throw new Error(`no variant has all of ${words.join(", ")}`);
  return found[0]!;
}
