/** Verifies that a build is reproducible: builds the image again, from packages alone, and compares. */
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import type { Variant } from "../../configuration/variant.ts";
import { UserError } from "../../lib/user-error.ts";
import { buildDisk, type BuiltImage } from "../build-disk.ts";
import type { BuildSettings } from "../build-settings.ts";
import type { Progress } from "../progress.ts";
import { compareImages } from "./compare-images.ts";

/**
 * Builds again in the other isolation, if this host can: the clock of a VM is the release's, and that of a namespace is
 * today's, so a date that came into the image shows.
 * @param first the image; the second one goes into `second/` in the same folder, and is kept only if it differs
 * @throws UserError that says where they differ
 */
export async function verifyBuild(
  variant: Variant,
  settings: BuildSettings,
  first: BuiltImage,
  progress: Progress,
  dataSource: string,
): Promise<void> {
  const folder = path.join(path.dirname(first.file), "second");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const second = await buildDisk(variant, otherIsolation(settings, first), folder, progress, {
    dataSource,
    useCache: false,
  });
  const lines = second.sha512 === first.sha512 ? [] : await compareImages(first.file, second.file);
  for (const [name, document] of Object.entries(first.documents)) {
    const other = second.documents[name as keyof typeof second.documents];
    if (comparable(document) !== comparable(other)) lines.push(`${path.basename(document.file)} differs`);
  }
  if (lines.length > 0) {
    throw new UserError(
      "image-not-reproducible",
      `${variant.name} is different when built again from packages alone (${first.isolation}, then ${second.isolation}):\n  ${lines.join("\n  ")}`,
      `the second image is in ${folder}; src/builder/guest and the packages' own scripts make the files in an image`,
      { where: variant.name },
    );
  }
  rmSync(folder, { recursive: true, force: true });
}

/** Settings for a build in the other isolation. `auto` chooses a VM only if namespaces are impossible or slower. */
function otherIsolation(settings: BuildSettings, first: Pick<BuiltImage, "isolation">): BuildSettings {
  return { ...settings, isolation: first.isolation === "namespace" ? "vm" : "auto" };
}

/** A document's text without the appliance, whose architecture is the host's in namespaces and the image's in a VM. */
function comparable({ file }: { file: string }): string {
  return readFileSync(file, "utf8").replace(/\{\s*"name": "appliance \w+",\s*"digest": \{[^}]*\}\s*\},?/, "");
}
