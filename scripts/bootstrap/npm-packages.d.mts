export type LockedPackages = Record<string, { version?: string; integrity?: string; optional?: boolean }>;
export function packagesMatch(locked: LockedPackages, installed: LockedPackages): boolean;
