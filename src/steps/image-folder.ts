/** The folders of built images on this machine: `work/images/CLOUD/KEY/`. */
import path from "node:path";
import { keyOf, type Variant } from "../configuration/variant.ts";
import { workFolder } from "../lib/workspace.ts";

/** The folder of all built images. */
export const imagesFolder = path.join(workFolder, "images");

/** The record of a finished build. It is written last, so it proves that the build succeeded. */
export const recordName = "build.json";

/** The folder of a variant's image. */
export function imageFolder(variant: Variant): string {
  return path.join(imagesFolder, variant.cloud, keyOf(variant));
}
