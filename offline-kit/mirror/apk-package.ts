import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { signedMember, type SigningKey } from "./signing.ts";
import { writeTar, type TreeEntry } from "./tar.ts";

const compress = promisify(gzip);

/** A package's facts, as `.PKGINFO` and the index carry them. */
export interface PackageInfo {
  name: string;
  version: string;
  description: string;
  url: string;
  architecture: string;
  license: string;
  origin: string;
  maintainer?: string;
  /** Seconds since 1970. */
  buildDate: number;
  commit?: string;
  depends: string[];
  provides: string[];
  replaces: string[];
  installIf: string[];
  triggers: string[];
  providerPriority?: number;
  replacesPriority?: number;
  /** Installed size in bytes; the sum of the files when absent. */
  installedSize?: number;
}

/** The scripts apk knows, by the name they have in the control member (without the dot). */
export const scriptNames = [
  "pre-install",
  "post-install",
  "pre-upgrade",
  "post-upgrade",
  "pre-deinstall",
  "post-deinstall",
  "trigger",
] as const;
export type ScriptName = (typeof scriptNames)[number];

export interface Package {
  info: PackageInfo;
  scripts: Partial<Record<ScriptName, Buffer>>;
  files: TreeEntry[];
}

/** A package written as a v2 `.apk`, with what its index entry needs. */
export interface WrittenPackage {
  info: PackageInfo;
  fileName: string;
  bytes: Buffer;
  installedSize: number;
  /** sha1 of the control member: the package's identity (`C:` of the index). */
  identity: Buffer;
}

/** Bytes that the files of a package take when installed. */
export function installedSize(files: readonly TreeEntry[]): number {
  return files.reduce((sum, entry) => sum + (entry.kind === "file" ? entry.content.length : 0), 0);
}

/** The text of `.PKGINFO`. */
export function packageInfoText(info: PackageInfo, size: number, dataHash: string): string {
  const lines: [string, string | number | undefined][] = [
    ["pkgname", info.name],
    ["pkgver", info.version],
    ["pkgdesc", info.description],
    ["url", info.url],
    ["builddate", info.buildDate],
    ["packager", info.maintainer],
    ["size", size],
    ["arch", info.architecture],
    ["origin", info.origin],
    ["commit", info.commit],
    ["maintainer", info.maintainer],
    ["replaces_priority", info.replacesPriority],
    ["provider_priority", info.providerPriority],
    ["license", info.license],
    ...info.replaces.map((value): [string, string] => ["replaces", value]),
    ...info.depends.map((value): [string, string] => ["depend", value]),
    ...info.provides.map((value): [string, string] => ["provides", value]),
    ["triggers", info.triggers.length > 0 ? info.triggers.join(" ") : undefined],
    ["install_if", info.installIf.length > 0 ? info.installIf.join(" ") : undefined],
    ["datahash", dataHash],
  ];
  const known = lines.filter(([, value]) => value !== undefined && value !== "");
  return known.map(([key, value]) => `${key} = ${String(value)}\n`).join("");
}

/** Adds the parent directories that the tree lacks (apk needs each one before what is in it) and sorts by path. */
export function withParents(files: readonly TreeEntry[]): TreeEntry[] {
  const byPath = new Map(files.map((entry) => [entry.path, entry]));
  for (const { path } of files) {
    const parts = path.split("/");
    for (let depth = 1; depth < parts.length; depth++) {
      const parent = parts.slice(0, depth).join("/");
      if (byPath.has(parent)) continue;
      byPath.set(parent, { kind: "directory", path: parent, mode: 0o755, uid: 0, gid: 0 });
    }
  }
  return [...byPath.values()].sort((one, other) => (one.path < other.path ? -1 : 1));
}

/** Writes and signs one package: three gzip members, one after the other (signature, control, data). */
export async function writePackage(source: Package, key: SigningKey): Promise<WrittenPackage> {
  const { info } = source;
  const modified = info.buildDate;
  const files = withParents(source.files);
  const data = await compress(await writeTar(files, { modified, checksums: true }));
  const size = info.installedSize ?? installedSize(files);
  const dataHash = createHash("sha256").update(data).digest("hex");
  const controlFiles: TreeEntry[] = [
    controlEntry("PKGINFO", Buffer.from(packageInfoText(info, size, dataHash)), 0o644),
    ...scriptNames.flatMap((name) => {
      const content = source.scripts[name];
      return content === undefined ? [] : [controlEntry(name, content, 0o755)];
    }),
  ];
  const control = await compress(await writeTar(controlFiles, { modified, unterminated: true }));
  const signature = await signedMember(control, key, modified);
  return {
    info,
    fileName: `${info.name}-${info.version}.apk`,
    bytes: Buffer.concat([signature, control, data]),
    installedSize: size,
    identity: createHash("sha1").update(control).digest(),
  };
}

function controlEntry(name: string, content: Buffer, mode: number): TreeEntry {
  return { kind: "file", path: `.${name}`, mode, uid: 0, gid: 0, content };
}
