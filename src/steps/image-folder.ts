/** Where built images are kept on this machine: `work/images/CLOUD/KEY/`. */
import path from "node:path";
import { keyOf, type Variant } from "../configuration/variant.ts";
import { workFolder } from "../lib/workspace.ts";

/** All of them. */
export const imagesFolder = path.join(workFolder, "images");

/** What says that a build there ended well, and how: it is written last. */
export const recordName = "build.json";

/** Where a variant's image is kept. */
export function imageFolder(variant: Variant): string {
  return path.join(imagesFolder, variant.cloud, keyOf(variant));
}
