/** Makes throwaway disks to boot images on. */
import path from "node:path";
import { z } from "zod";
import { openImageFile } from "../builder/formats/unpack.ts";
import { qemuImg } from "../builder/qemu-img.ts";
import { optionValue } from "../builder/qemu.ts";

/** A disk that takes a guest's writes, so that the image stays unchanged. */
export interface OverlayDisk {
  /** The drive `disk`, for QEMU. */
  arguments: string[];
  sizeMib: number;
}

/**
 * Makes a throwaway disk on top of an image, larger than it. The image that is published is never booted directly.
 * @param growthMib how much larger
 * @throws UserError if the file does not have the name of an image file
 */
export async function overlayDisk(image: string, growthMib: number, scratch: string): Promise<OverlayDisk> {
  const { file, driver } = await openImageFile(path.resolve(image), scratch);
  const info: unknown = JSON.parse(await qemuImg("info", "--output=json", "-f", driver, file));
  const bytes = z.object({ "virtual-size": z.number() }).parse(info)["virtual-size"];
  const sizeMib = Math.ceil(bytes / 2 ** 20) + growthMib;
  const overlay = path.join(scratch, "overlay.qcow2");
  await qemuImg("create", "-q", "-f", "qcow2", "-b", file, "-F", driver, overlay, `${sizeMib}M`);
  const drive = `if=none,id=disk,format=qcow2,cache=unsafe,file=${optionValue(overlay)}`;
  return { arguments: ["-drive", drive], sizeMib };
}
