/** Finds the Pulumi packages among the installed npm packages, so that the engine loads their plugins. */
import { readdirSync, readFileSync, realpathSync, statSync, type Dirent } from "node:fs";
import { basename, join, resolve } from "node:path";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";

interface PackageManifest {
  name?: string;
  version?: string;
  pulumi?: { resource?: boolean; name?: string; version?: string; server?: string };
}

const policyPackFiles = new Set(["PulumiPolicy.yaml", "PulumiPolicy.yml", "PulumiPolicy.json"]);

/**
 * Walks every folder in `directory`, including links, and returns the packages in node_modules folders whose
 * package.json has `"pulumi": {"resource": true}`. Skips what can't be read, like the real host.
 */
export function findPackages(directory: string): plugin.PackageDependency[] {
  const found: plugin.PackageDependency[] = [];
  visit(resolve(directory), false, true, new Set(), found);
  return found;
}

function visit(
  directory: string,
  inNodeModules: boolean,
  isRoot: boolean,
  visited: Set<string>,
  found: plugin.PackageDependency[],
): void {
  if (visited.has(directory)) return;
  const entries = entriesOf(directory);
  // A policy pack's dependencies are not the program's.
  if (!isRoot && entries.some((entry) => policyPackFiles.has(entry.name))) return;
  visited.add(directory);
  for (const entry of entries) {
    const target = followed(directory, entry);
    if (target?.isDirectory) {
      visit(target.path, inNodeModules || basename(directory) === "node_modules", false, visited, found);
    } else if (target && inNodeModules && entry.name === "package.json") {
      const dependency = packageDependency(target.path);
      if (dependency) found.push(dependency);
    }
  }
}

function entriesOf(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return [];
  }
}

function followed(directory: string, entry: Dirent): { path: string; isDirectory: boolean } | undefined {
  const path = join(directory, entry.name);
  if (!entry.isSymbolicLink()) return { path, isDirectory: entry.isDirectory() };
  try {
    const target = realpathSync(path);
    return { path: target, isDirectory: statSync(target).isDirectory() };
  } catch {
    return undefined;
  }
}

function packageDependency(path: string): plugin.PackageDependency | undefined {
  let manifest: PackageManifest;
  try {
    manifest = JSON.parse(readFileSync(path, "utf8")) as PackageManifest;
  } catch {
    return undefined;
  }
  const described = manifest.pulumi;
  const version = described?.version ?? manifest.version;
  const name = described?.name ?? scopedName(manifest.name);
  if (described?.resource !== true || !name || !version) return undefined;
  return new plugin.PackageDependency()
    .setName(name)
    .setKind("resource")
    .setVersion(version.startsWith("v") ? version : `v${version}`)
    .setServer(described.server ?? "");
}

/** Derives the plugin's name from the package's, in Pulumi's own scope only. Other packages must state it. */
function scopedName(name: string | undefined): string | undefined {
  return name?.startsWith("@pulumi/") ? name.slice("@pulumi/".length) : undefined;
}
