/** Packs the project for a builder. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import type { Variant } from "../configuration/variant.ts";
import type { BuildSettings } from "../builder/build-settings.ts";
import { UserError } from "../lib/user-error.ts";
import { projectRoot } from "../lib/workspace.ts";

/** The project as it is sent to a builder. */
export interface ProjectArchive {
  /** A tar archive, compressed; the same files give the same bytes. */
  bytes: Buffer;
  /** Its sha256. */
  digest: string;
  /** sha256 of the files that decide what `npm ci` installs. */
  packages: string;
}

/** The project's programs. */
const programs = [
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "clouds",
  "components",
  "scripts",
  "src",
];

interface PackedFile {
  content: Buffer;
  executable: boolean;
}

/** Build settings for a builder: overlays and keys are where {@link packProject} puts them. */
export function settingsThere(build: BuildSettings): BuildSettings {
  return {
    ...build,
    overlays: build.overlays.map((_, index) => `job/overlays/${index}`),
    mirror: {
      ...build.mirror,
      keyFiles: build.mirror.keyFiles.map((file) => `job/keys/${path.basename(file)}`),
    },
  };
}

/**
 * Packs everything that a build of a variant reads: the project's programs, the scripts of its overlays, and keys.
 * Nothing else is sent. The builder needs no layers, because the variant is already resolved.
 */
export async function packProject(variant: Variant, build: BuildSettings): Promise<ProjectArchive> {
  const files = filesToPack(variant, build);
  const archive = pack();
  for (const name of [...files.keys()].sort()) {
    const { content, executable } = files.get(name)!;
    // No owners and times: the builder does not need them, and they would make the archive differ between checkouts.
    archive.entry({ name, mode: executable ? 0o755 : 0o644, mtime: new Date(0) }, content);
  }
  archive.finalize();
  const bytes = gzipSync(await buffer(archive));
  const packages = createHash("sha256");
  for (const name of ["package.json", "package-lock.json"]) packages.update(files.get(name)!.content);
  return {
    bytes,
    digest: createHash("sha256").update(bytes).digest("hex"),
    packages: packages.digest("hex"),
  };
}

/** Name in the archive → file. */
function filesToPack(variant: Variant, build: BuildSettings): Map<string, PackedFile> {
  const files = new Map<string, PackedFile>();
  for (const name of programs) addFiles(files, path.join(projectRoot, name), name);
  const there = settingsThere(build);
  build.overlays.forEach((overlay, index) => {
    const scripts = path.resolve(projectRoot, overlay, "scripts");
    addFiles(files, scripts, `${there.overlays[index]!}/scripts`);
  });
  build.mirror.keyFiles.forEach((file, index) => {
    addFiles(files, path.resolve(projectRoot, file), there.mirror.keyFiles[index]!);
  });
  for (const file of variant.repoKeys) {
    // The path must be the same as here, because it is part of the image's inputs.
    if (path.isAbsolute(file) || path.normalize(file).startsWith("..")) {
      throw new UserError(
        "builder-key-outside-project",
        `key ${file} of ${variant.name} is outside the project, but a remote builder has only the project`,
        "move it into the project and update repoKeys",
        { where: file },
      );
    }
    addFiles(files, path.join(projectRoot, file), path.normalize(file));
  }
  return files;
}

/** Stack settings, which have account ids and secrets: no build reads them. */
const isStackFile = (name: string): boolean => /^Pulumi(\..+)?\.yaml$/.test(name);

/** Adds a file, or all files in a folder. Skips a missing one: the code that reads it reports it best. */
function addFiles(files: Map<string, PackedFile>, place: string, name: string): void {
  const found = statSync(place, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (found.isDirectory()) {
    for (const entry of readdirSync(place).filter((entry) => !isStackFile(entry)))
      addFiles(files, path.join(place, entry), path.join(name, entry));
  } else if (found.isFile()) {
    files.set(name, { content: readFileSync(place), executable: (found.mode & 0o100) !== 0 });
  }
}
