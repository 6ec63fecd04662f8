import { defined } from "../../src/lib/defined.ts";
import type { PackageInfo } from "./apk-package.ts";

/** A directory or file that the database says a package owns. */
export interface OwnedPath {
  path: string;
  isDirectory: boolean;
  uid: number;
  gid: number;
  mode: number;
  /** sha1 of the content (of a symlink: of its target). */
  sha1?: Buffer;
}

export interface InstalledPackage {
  info: PackageInfo;
  /** `Q1…`: what the triggers file calls the package. */
  identity: string;
  /** `name-version`, as scripts and package files are named. */
  fullName: string;
  owned: OwnedPath[];
}

/** Parses apk's `installed` database (apk-tools 2 and 3 write the same text). */
export function parseInstalledDatabase(text: string): InstalledPackage[] {
  return text
    .split(/\n\n+/)
    .map((paragraph) => paragraph.trim())
    .filter((paragraph) => paragraph !== "")
    .map(parseParagraph);
}

const handledKeys = new Set("CPVASITULomtcDprikqFMRaZ");

function parseParagraph(paragraph: string): InstalledPackage {
  const fields = new Map<string, string>();
  const owned: OwnedPath[] = [];
  let directory = "";
  for (const line of paragraph.split("\n")) {
    const key = line.slice(0, 1);
    const value = line.slice(2);
    if (line[1] !== ":" || !handledKeys.has(key)) {
      throw new Error(`installed database of package '${fields.get("P") ?? "?"}': unknown line '${line}'`);
    }
    const last = owned.at(-1);
    if (key === "F") {
      directory = value;
      if (value !== "") owned.push({ path: value, isDirectory: true, uid: 0, gid: 0, mode: 0o755 });
    } else if (key === "R") {
      const path = directory === "" ? value : `${directory}/${value}`;
      owned.push({ path, isDirectory: false, uid: 0, gid: 0, mode: 0o644 });
    } else if ((key === "M" || key === "a") && last !== undefined) {
      Object.assign(last, parseAccess(value, last.path));
    } else if (key === "Z" && last !== undefined) {
      last.sha1 = parseChecksum(value);
    } else {
      fields.set(key, value);
    }
  }
  const info = infoOf(fields);
  return { info, identity: fields.get("C") ?? "", fullName: `${info.name}-${info.version}`, owned };
}

function infoOf(fields: Map<string, string>): PackageInfo {
  const text = (key: string): string => fields.get(key) ?? "";
  const list = (key: string): string[] => text(key).split(" ").filter(Boolean);
  const number = (key: string): number | undefined => (fields.has(key) ? Number(fields.get(key)) : undefined);
  const providerPriority = number("k");
  const replacesPriority = number("q");
  return {
    name: text("P"),
    version: text("V"),
    description: text("T"),
    url: text("U"),
    architecture: text("A"),
    license: text("L"),
    origin: text("o"),
    maintainer: text("m"),
    buildDate: Number(text("t")),
    commit: text("c"),
    depends: list("D"),
    provides: list("p"),
    replaces: list("r"),
    installIf: list("i"),
    triggers: [],
    installedSize: Number(text("I")),
    ...defined({ providerPriority, replacesPriority }),
  };
}

/** `uid:gid:mode`, as in `M:` and `a:` lines. */
export function parseAccess(value: string, path: string): { uid: number; gid: number; mode: number } {
  const [uid, gid, mode, extended] = value.split(":");
  if (uid === undefined || gid === undefined || mode === undefined || extended !== undefined) {
    throw new Error(
      `installed database, '${path}': cannot repackage access '${value}' (extended attributes?)`,
    );
  }
  return { uid: Number(uid), gid: Number(gid), mode: Number.parseInt(mode, 8) };
}

/** `Q1` and the base64 of a sha1. */
export function parseChecksum(value: string): Buffer {
  if (!value.startsWith("Q1")) throw new Error(`installed database: checksum '${value}' is not sha1 (Q1…)`);
  return Buffer.from(value.slice(2), "base64");
}

/** Reads the `triggers` file: which paths each package (by its identity, `Q1…`) watches. */
export function parseTriggers(text: string): Map<string, string[]> {
  const lines = text.split("\n").filter(Boolean);
  return new Map(
    lines.map((line) => {
      const [identity = "", ...paths] = line.split(" ");
      return [identity, paths];
    }),
  );
}
