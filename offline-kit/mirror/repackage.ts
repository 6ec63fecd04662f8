import { createHash } from "node:crypto";
import { lstat, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { extract } from "tar-stream";
import { scriptNames, type Package, type ScriptName } from "./apk-package.ts";
import {
  parseInstalledDatabase,
  parseTriggers,
  type InstalledPackage,
  type OwnedPath,
} from "./installed-database.ts";
import { restoreOriginal, type Restoration } from "./restore.ts";
import type { TreeEntry } from "./tar.ts";

/** Where apk keeps its database; 3.24 may move it (usr merge), so both places are looked at. */
const databasePlaces = ["lib/apk/db", "usr/lib/apk/db"];

/** Rebuilds every package of an unpacked Alpine root from the root's own package database. */
export async function repackageRoot(
  root: string,
  restorations: Record<string, Restoration>,
): Promise<Package[]> {
  const database = await findDatabase(root);
  const installed = parseInstalledDatabase(await readFile(join(database, "installed"), "utf8"));
  const triggers = parseTriggers(await readFile(join(database, "triggers"), "utf8"));
  const scripts = await readScripts(await readFile(join(database, "scripts.tar.gz")), installed);
  const packages: Package[] = [];
  for (const one of installed) {
    packages.push({
      info: { ...one.info, triggers: triggers.get(one.identity) ?? [] },
      scripts: scripts.get(one.fullName) ?? {},
      files: await readFiles(root, one, restorations),
    });
  }
  return packages;
}

async function findDatabase(root: string): Promise<string> {
  for (const place of databasePlaces) {
    const directory = join(root, place);
    const found = await lstat(join(directory, "installed")).catch(() => undefined);
    if (found !== undefined) return directory;
  }
  throw new Error(`no apk database in ${root} (looked in ${databasePlaces.join(", ")})`);
}

/**
 * Reads scripts.tar.gz, whose members are called `name-version.IDENTITY.script`. An archive member whose package
 * is not in the database is an error: a script must never get lost.
 */
export async function readScripts(
  archive: Buffer,
  installed: readonly InstalledPackage[],
): Promise<Map<string, Package["scripts"]>> {
  const result = new Map<string, Package["scripts"]>();
  const names = new Set(installed.map(({ fullName }) => fullName));
  const reader = extract();
  reader.end(gunzipSync(archive));
  for await (const member of reader) {
    const chunks: Buffer[] = [];
    for await (const chunk of member) chunks.push(chunk as Buffer);
    const match = /^(?<fullName>.+)\.[QX][12][^.]+\.(?<script>[a-z-]+)$/.exec(member.header.name);
    const fullName = match?.groups?.["fullName"] ?? "";
    const script = scriptNames.find((name) => name === match?.groups?.["script"]);
    if (!names.has(fullName) || script === undefined) {
      throw new Error(`scripts.tar.gz: member '${member.header.name}' belongs to no installed package`);
    }
    const scripts: Partial<Record<ScriptName, Buffer>> = result.get(fullName) ?? {};
    scripts[script] = Buffer.concat(chunks);
    result.set(fullName, scripts);
  }
  return result;
}

async function readFiles(
  root: string,
  { info, owned }: InstalledPackage,
  restorations: Record<string, Restoration>,
): Promise<TreeEntry[]> {
  const entries: TreeEntry[] = [];
  for (const one of owned) {
    const entry = await readOwned(root, one, restorations[one.path]).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`package ${info.name}, file /${one.path}: ${reason}`);
    });
    entries.push(entry);
  }
  return entries;
}

const access = ({ path, mode, uid, gid }: OwnedPath) => ({ path, mode, uid, gid });

async function readOwned(
  root: string,
  one: OwnedPath,
  restoration: Restoration | undefined,
): Promise<TreeEntry> {
  if (one.isDirectory) return { ...access(one), kind: "directory" };
  const path = join(root, one.path);
  const status = await lstat(path).catch(() => undefined);
  if (status === undefined) throw new Error("the database lists it, but the root does not have it");
  const isLink = status.isSymbolicLink();
  const found = isLink ? Buffer.from(await readlink(path)) : await readFile(path);
  const content = verified(found, one.sha1, restoration);
  if (isLink) return { ...access(one), kind: "symlink", target: content.toString("utf8") };
  return { ...access(one), kind: "file", content };
}

/** The content if it has the recorded hash, its restored original otherwise; an error if there is none. */
function verified(found: Buffer, wanted: Buffer | undefined, restoration: Restoration | undefined): Buffer {
  if (wanted === undefined) throw new Error("the database has no checksum (Z:) for it");
  if (createHash("sha1").update(found).digest().equals(wanted)) return found;
  if (restoration === undefined) {
    throw new Error(
      "differs from what Alpine's package installed, and sources.yaml has no restoration for it",
    );
  }
  const original = restoreOriginal(found, restoration, wanted);
  if (original === undefined)
    throw new Error("the restoration in sources.yaml does not lead to the recorded hash");
  return original;
}
