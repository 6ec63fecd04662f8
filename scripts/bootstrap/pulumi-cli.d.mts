import type { Tools } from "../bootstrap.mjs";
import type { VersionMemory } from "./tools-file.mjs";
export function findCli(
  memory: VersionMemory,
  options?: { path?: string; quiet?: boolean },
): Promise<Tools["pulumi"] | undefined>;
export function releaseArchive(version: string, platform?: string, architecture?: string): string;
export function checksumOf(list: string, archive: string): string;
export function downloadCli(folder: string, releases?: string): Promise<void>;
