/** The name and format of an image's file, derived from the variant alone. */
import type { Variant } from "../../configuration/variant.ts";
import { UserError } from "../../lib/user-error.ts";

/** The fields that decide the format. */
export type ImageFormat = Pick<Variant, "name" | "imageFormat" | "imageFormatOptions" | "imageCompress">;

/**
 * File name extensions. qcow2 and VHD are stored as their clouds import them, regardless of `imageCompress`, because
 * downloads rely on the file names. A raw disk is mostly zeroes, so it can be compressed.
 */
const imageExtensions = ["qcow2", "vhd", "raw", "raw.bz2", "raw.tar.gz"] as const;
export type ImageExtension = (typeof imageExtensions)[number];

export function imageExtension({ imageFormat, imageCompress }: ImageFormat): ImageExtension {
  return imageFormat === "raw" && imageCompress !== undefined ? `raw.${imageCompress}` : imageFormat;
}

/** `NAME.qcow2`, `NAME.raw.tar.gz` … */
export function imageFileName(image: ImageFormat): string {
  return `${image.name}.${imageExtension(image)}`;
}

/** Splits an image's file name. Throws a UserError if the extension is unknown. */
export function splitFileName(fileName: string): { name: string; extension: ImageExtension } {
  const extension = imageExtensions.find((known) => fileName.endsWith(`.${known}`));
  if (extension === undefined) {
    throw new UserError(
      "image-file-name-invalid",
      `${fileName} is not the name of an image file`,
      `use a file that ends in .${imageExtensions.join(", .")}`,
      { where: fileName },
    );
  }
  return { name: fileName.slice(0, -extension.length - 1), extension };
}

/** Google accepts only disks of whole GiB, so the size is rounded up for it. Otherwise it is as declared. */
export function virtualSizeMib(image: ImageFormat, declaredMib: number): number {
  return imageExtension(image) === "raw.tar.gz" ? Math.ceil(declaredMib / 1024) * 1024 : declaredMib;
}

/** Rejects options that contradict the format, before any work is done. */
export function checkFormat({ name, imageFormat, imageFormatOptions }: ImageFormat): void {
  if (imageFormatOptions === undefined || imageFormat === "vhd") return;
  throw new UserError(
    "image-format-invalid",
    `${name} has imageFormat ${imageFormat}, but imageFormatOptions ${imageFormatOptions} are for VHD`,
    "set imageFormatOptions to null, or imageFormat to vhd",
    { where: name },
  );
}
