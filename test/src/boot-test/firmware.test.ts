import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findUefiFirmware } from "../../../src/boot-test/firmware.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";
import { throwsError } from "../../helpers/errors.ts";

interface Descriptor {
  arch?: string;
  features?: string[];
  types?: string[];
  /** The files it names are not there. */
  missing?: boolean;
}

/** A folder of firmware descriptors, in the form of QEMU's docs/interop/firmware.json. */
function descriptors(all: Record<string, Descriptor | string>): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "files"));
  for (const [name, descriptor] of Object.entries(all)) {
    if (typeof descriptor === "string") {
      writeFileSync(join(folder, name), descriptor);
      continue;
    }
    const { arch = "x86_64", features = [], types = ["uefi"], missing = false } = descriptor;
    const [code, variables] = ["CODE", "VARS"].map((part) => join(folder, "files", `${name}.${part}`));
    if (!missing) for (const file of [code!, variables!]) writeFileSync(file, "");
    writeFileSync(
      join(folder, name),
      JSON.stringify({
        "interface-types": types,
        mapping: {
          device: "flash",
          executable: { filename: code, format: "raw" },
          "nvram-template": { filename: variables, format: "raw" },
        },
        targets: [{ architecture: arch, machines: ["pc-q35-*"] }],
        features,
      }),
    );
  }
  return folder;
}

/** The name of the descriptor that is chosen. */
function chosen(all: Record<string, Descriptor | string>, arch: "x86_64" | "aarch64" = "x86_64"): string {
  const { code, variables } = findUefiFirmware(arch, ["/no/such/folder", descriptors(all)]);
  assert.equal(code.replace(/CODE$/, ""), variables.replace(/VARS$/, ""));
  return /([^/]*)\.CODE$/.exec(code)?.[1] ?? "";
}

describe("the UEFI firmware for a boot test", () => {
  it("is the first in order that fits the architecture", () => {
    const all = { "60-b.json": {}, "50-a.json": { arch: "aarch64" }, "55-c.json": {} };
    assert.equal(chosen(all), "55-c.json");
    assert.equal(chosen(all, "aarch64"), "50-a.json");
  });

  it("boots unsigned code: none with keys enrolled, none that needs SMM", () => {
    const all = {
      "10.json": { features: ["acpi-s3", "enrolled-keys", "secure-boot"] },
      "20.json": { features: ["requires-smm"] },
      "30.json": { features: ["acpi-s3", "verbose-dynamic"] },
    };
    assert.equal(chosen(all), "30.json");
  });

  it("is UEFI, has its files, and a template for its variables", () => {
    const all = {
      "10.json": { types: ["bios"] },
      "20.json": { missing: true },
      "30.json": JSON.stringify({ mapping: { device: "memory", filename: "/x" } }),
      "README.txt": "no descriptor",
      "40.json": {},
    };
    assert.equal(chosen(all), "40.json");
  });

  it("is missed with the folders that were searched and the package to install", () => {
    const folder = descriptors({ "10.json": { features: ["enrolled-keys"] } });
    for (const [arch, name] of [
      ["x86_64", "ovmf"],
      ["aarch64", "qemu-efi-aarch64"],
    ] as const) {
      throwsError(() => findUefiFirmware(arch, [folder]), {
        code: "tool-missing",
        where: `UEFI firmware for ${arch}`,
        text: new RegExp(`→ .*${name}`),
      });
    }
  });
});
