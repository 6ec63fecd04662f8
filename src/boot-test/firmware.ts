/** Finds UEFI firmware for guests. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import type { Architecture } from "../builder/qemu.ts";
import { UserError } from "../lib/user-error.ts";

/** UEFI firmware for a guest: read-only code, and a template for its variables. */
export interface UefiFirmware {
  code: string;
  variables: string;
}

/** Where QEMU and distributions put firmware descriptors (see docs/interop/firmware.json in QEMU). */
const descriptorFolders = [
  "/usr/share/qemu/firmware",
  "/usr/local/share/qemu/firmware",
  "/opt/homebrew/share/qemu/firmware",
  "/etc/qemu/firmware",
];

/** Only raw files can be padded. Fedora has qcow2 files, but raw ones as well. */
const flashFile = z.object({ filename: z.string(), format: z.literal("raw") });

const descriptorSchema = z.object({
  "interface-types": z.array(z.string()),
  mapping: z.object({
    device: z.literal("flash"),
    executable: flashFile,
    "nvram-template": flashFile,
  }),
  targets: z.array(z.object({ architecture: z.string(), machines: z.array(z.string()) })),
  features: z.array(z.string()),
});

/** The first firmware, by file name, that boots unsigned code on an architecture. */
export function findUefiFirmware(
  arch: Architecture,
  folders: readonly string[] = descriptorFolders,
): UefiFirmware {
  const descriptors = folders
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((name) => path.join(folder, name)))
    .filter((file) => file.endsWith(".json"))
    .sort((left, right) => (path.basename(left) < path.basename(right) ? -1 : 1));
  for (const file of descriptors) {
    const parsed = descriptorSchema.safeParse(JSON.parse(readFileSync(file, "utf8")));
    if (!parsed.success) continue;
    const { mapping, targets, features } = parsed.data;
    const fits =
      targets.some(({ architecture }) => architecture === arch) &&
      parsed.data["interface-types"].includes("uefi");
    // Secure Boot would refuse the image's bootloader, and needs a machine with SMM.
    if (!fits || features.includes("enrolled-keys") || features.includes("requires-smm")) continue;
    const firmware = { code: mapping.executable.filename, variables: mapping["nvram-template"].filename };
    if (existsSync(firmware.code) && existsSync(firmware.variables)) return firmware;
  }
  throw new UserError(
    "tool-missing",
    `no UEFI firmware for ${arch} in ${folders.join(", ")}`,
    arch === "x86_64" ? "install OVMF (Debian: ovmf)" : "install AAVMF (Debian: qemu-efi-aarch64)",
    { where: `UEFI firmware for ${arch}` },
  );
}
