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

/** The project as a builder gets it. */
export interface ProjectArchive {
  /** A tar archive, compressed; the same files give the same bytes. */
  bytes: Buffer;
  /** Its sha256. */
  digest: string;
  /** sha256 of what `npm ci` goes by. */
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

/** Build settings as they hold on a builder: overlays and keys are where {@link packProject} put them. */
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
 * Packs what a build of a variant reads: the project's programs, scripts of its overlays, keys. Layers stay here, for the variant
 * is resolved. Nothing else travels.
 */
export async function packProject(variant: Variant, build: BuildSettings): Promise<ProjectArchive> {
  const files = filesToPack(variant, build);
  const archive = pack();
  for (const name of [...files.keys()].sort()) {
    const { content, executable } = files.get(name)!;
    // Owners and times are nobody's business there, and would make every checkout's archive another.
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
    // By the same path as here, for it is part of the image's inputs.
    if (path.isAbsolute(file) || path.normalize(file).startsWith("..")) {
      throw new UserError(
        "builder-key-outside-project",
        `key ${file} of ${variant.name} lies outside of the project, and a remote builder has the project alone`,
        "move it into the project and name it so in repoKeys",
        { where: file },
      );
    }
    addFiles(files, path.join(projectRoot, file), path.normalize(file));
  }
  return files;
}

/** Adds a file, or all files below a folder; nothing where there is none, for whoever reads it says so best. */
function addFiles(files: Map<string, PackedFile>, place: string, name: string): void {
  const found = statSync(place, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (found.isDirectory()) {
    for (const entry of readdirSync(place)) addFiles(files, path.join(place, entry), path.join(name, entry));
  } else if (found.isFile()) {
    files.set(name, { content: readFileSync(place), executable: (found.mode & 0o100) !== 0 });
  }
}
