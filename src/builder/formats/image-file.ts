/** What an image's file is called and holds: both follow from the variant alone. */
import type { Variant } from "../../configuration/variant.ts";
import { UserError } from "../../lib/user-error.ts";

/** The fields that decide the format. */
export type ImageFormat = Pick<Variant, "name" | "imageFormat" | "imageFormatOptions" | "imageCompress">;

/**
 * Names that follow an image's own. qcow2 and VHD are stored as their clouds import them, whatever `imageCompress` says: names of
 * files are a contract with those who download them. A raw disk is mostly zeroes, so it is packed.
 */
export const imageExtensions = ["qcow2", "vhd", "raw", "raw.bz2", "raw.tar.gz"] as const;
export type ImageExtension = (typeof imageExtensions)[number];

export function imageExtension({ imageFormat, imageCompress }: ImageFormat): ImageExtension {
  return imageFormat === "raw" && imageCompress !== undefined ? `raw.${imageCompress}` : imageFormat;
}

/** `NAME.qcow2`, `NAME.raw.tar.gz` … */
export function imageFileName(image: ImageFormat): string {
  return `${image.name}.${imageExtension(image)}`;
}

/** What an image's file is, by its name. Throws a UserError for a name that no image's file has. */
export function splitFileName(fileName: string): { name: string; extension: ImageExtension } {
  const extension = imageExtensions.find((known) => fileName.endsWith(`.${known}`));
  if (extension === undefined) {
    throw new UserError(
      "image-file-name-invalid",
      `${fileName} is not called like an image's file`,
      `give a file that ends in .${imageExtensions.join(", .")}`,
      { where: fileName },
    );
  }
  return { name: fileName.slice(0, -extension.length - 1), extension };
}

/** Google takes disks of whole GiB only; every other size is taken as declared. */
export function virtualSizeMib(image: ImageFormat, declaredMib: number): number {
  return imageExtension(image) === "raw.tar.gz" ? Math.ceil(declaredMib / 1024) * 1024 : declaredMib;
}

/** Finds fault with what cannot be meant: before a minute's work, not after it. */
export function checkFormat({ name, imageFormat, imageFormatOptions }: ImageFormat): void {
  if (imageFormatOptions === undefined || imageFormat === "vhd") return;
  throw new UserError(
    "image-format-invalid",
    `${name} has imageFormat ${imageFormat} and imageFormatOptions ${imageFormatOptions}, which are of VHD`,
    "set imageFormatOptions to null beside that imageFormat, or imageFormat to vhd",
    { where: name },
  );
}
