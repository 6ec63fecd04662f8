import type { Variant } from "./variant.ts";

/** What the original's metadata says of every image, by its keys: other people's tools read them. */
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

/** What the image is called in its cloud. Its file has the cloud in front of that, for all clouds' files lie together. */
export function imageName(variant: Pick<Variant, "name" | "cloud">): string {
  return variant.name.replace(`${variant.cloud}_`, "");
}
