/** The tags of an image, and its name in its cloud. */
import type { Variant } from "./variant.ts";

/** The values that the original project puts in every image's metadata, under its keys: existing tools read them. */
export function tags(variant: Variant): Record<string, string | number> {
  return {
    arch: variant.arch,
    bootstrap: variant.bootstrap,
    cloud: variant.cloud,
    description: variant.description,
    end_of_life: variant.endOfLife,
    firmware: variant.firmware,
    image_key: variant.imageKey,
    name: imageName(variant),
    project: variant.project,
    release: variant.release,
    revision: variant.revision,
    version: variant.version,
  };
}

/** The image's name in its cloud. Its file name also starts with the cloud, because files of all clouds share a folder. */
export function imageName(variant: Pick<Variant, "name" | "cloud">): string {
  return variant.name.replace(`${variant.cloud}_`, "");
}
