import path from "node:path";
import { execa } from "execa";
import { z } from "zod";
import { optionValue } from "../build/qemu.ts";
import { UserError } from "../lib/user-error.ts";

/** QEMU's name of a disk format, by a file's ending. */
const formats: Record<string, string> = { ".qcow2": "qcow2", ".vhd": "vpc", ".raw": "raw" };

/** A disk that takes a guest's writes in place of an image. */
export interface OverlayDisk {
  /** The drive `disk`, for QEMU. */
  arguments: string[];
  sizeMib: number;
}

/**
 * Makes a throwaway disk that shows an image and is larger than it: the file that is published is never booted itself.
 * @param growthMib how much larger
 * @throws UserError when the file is in no format that can be booted
 */
export async function overlayDisk(image: string, growthMib: number, scratch: string): Promise<OverlayDisk> {
  const source = await bootable(path.resolve(image), scratch);
  const { stdout } = await execa("qemu-img", ["info", "--output=json", "-f", source.format, source.file]);
  const bytes = z.object({ "virtual-size": z.number() }).parse(JSON.parse(stdout))["virtual-size"];
  const sizeMib = Math.ceil(bytes / 2 ** 20) + growthMib;
  const overlay = path.join(scratch, "overlay.qcow2");
  await execa("qemu-img", [
    ...["create", "-q", "-f", "qcow2", "-b", source.file, "-F", source.format],
    ...[overlay, `${sizeMib}M`],
  ]);
  const drive = `if=none,id=disk,format=qcow2,cache=unsafe,file=${optionValue(overlay)}`;
  return { arguments: ["-drive", drive], sizeMib };
}

/** The disk in an image's file: itself, or what Google Cloud's archive has inside. */
async function bootable(file: string, scratch: string): Promise<{ file: string; format: string }> {
  if (file.endsWith(".tar.gz")) {
    await execa("tar", ["-xzSf", file, "-C", scratch, "disk.raw"]);
    return { file: path.join(scratch, "disk.raw"), format: "raw" };
  }
  const format = formats[path.extname(file)];
  if (format !== undefined) return { file, format };
  throw new UserError(
    `${file} is no disk that can be booted`,
    `give a file that ends in ${[...Object.keys(formats), ".tar.gz"].join(", ")}`,
  );
}
