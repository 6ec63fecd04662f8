import type { VersionMemory } from "./tools-file.mjs";
export type PackageManager = "apt" | "apk" | "dnf" | "brew";
export interface Requirement {
  name: string;
  command?: string;
  files?: readonly string[];
  debianPackage?: string;
  minimumVersion?: string;
  arch?: "x86_64" | "aarch64";
  packages: Partial<Record<PackageManager, string>>;
}
export function requirementsFor(wanted: { tests: boolean; offlineKit: boolean }): readonly Requirement[];
export function requirementsToBuild(arch: "x86_64" | "aarch64"): readonly Requirement[];
export function findMissing(
  requirements: readonly Requirement[],
  memory: VersionMemory,
  versions: Record<string, string>,
): Promise<Requirement[]>;
export function installMissing(missing: readonly Requirement[], signal: AbortSignal): Promise<void>;
export function installCommand(manager: PackageManager, missing: readonly Requirement[]): string | undefined;
export function missingToolsError(
  missing: readonly Requirement[],
  manager: PackageManager | undefined,
): Error;
export function tooOld(requirement: Requirement, path: string, version: string): Error;
