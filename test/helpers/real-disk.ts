/** Makes small disks as builds do, with real filesystems, but without a system in them. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { cpioArchive } from "../../src/builder/cpio.ts";
import { gptDisk, mbrDisk } from "./disk.ts";
import { ext4Image, imageFeatures } from "./ext4.ts";
import { fatImage } from "./fat.ts";
import { temporaryFolder } from "./temporary.ts";

/** A folder with a little of what the disk reader looks for. */
function smallTree(): string {
  const tree = temporaryFolder();
  for (const folder of ["etc/runlevels/boot", "boot", "lib/apk/db", "usr/bin"]) {
    mkdirSync(join(tree, folder), { recursive: true });
  }
  const initramfs = cpioArchive([
    { path: "lib/one.ko", mode: 0o644, kind: "file", content: Buffer.from("module") },
  ]);
  const files: Record<string, string | Buffer> = {
    "etc/motd": "Welcome\n",
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "boot/vmlinuz-virt": "kernel".repeat(2000),
    "boot/initramfs-virt": gzipSync(initramfs),
    "lib/apk/db/installed": "P:musl\nV:1-r0\n",
    "usr/bin/tool\u001b": "x",
  };
  for (const [path, content] of Object.entries(files)) writeFileSync(join(tree, path), content);
  return tree;
}

/**
 * @param options.features of the root filesystem, for mke2fs
 * @returns the raw disk: 8 MiB, with its root filesystem behind the first MiB (BIOS) or the second one (UEFI)
 */
export async function realDisk(
  firmware: "bios" | "uefi",
  { features = imageFeatures } = {},
): Promise<string> {
  const root = { start: firmware === "bios" ? 1 : 2, length: 4 };
  const tree = smallTree();
  const content = readFileSync(await ext4Image({ tree, mib: root.length, features, more: ["-L", "/"] }));
  const disk = join(temporaryFolder(), "disk.raw");
  if (firmware === "bios") return mbrDisk(disk, 8, [{ ...root, active: true, content }]);
  const efi = readFileSync(
    await fatImage({
      sectors: 2048,
      label: "EFI",
      volumeId: "1a2b3c4d",
      files: { "/EFI/boot/bootx64.efi": "loader" },
    }),
  );
  return gptDisk(disk, 8, [
    { name: "EFI", efi: true, start: 1, length: 1, content: efi },
    { name: "/", ...root, content },
  ]);
}
