export type PackageManager = "apt" | "apk" | "dnf" | "brew";
export interface Requirement {
  name: string;
  command?: string;
  files?: readonly string[];
  debianPackage?: string;
  minimumVersion?: string;
  packages: Partial<Record<PackageManager, string>>;
}
export function requirementsFor(wanted: { tests: boolean; offlineKit: boolean }): readonly Requirement[];
export function installCommand(manager: PackageManager, missing: readonly Requirement[]): string | undefined;
export function missingToolsError(
  missing: readonly Requirement[],
  manager: PackageManager | undefined,
): Error;
export function tooOld(requirement: Requirement, path: string, version: string): Error;
