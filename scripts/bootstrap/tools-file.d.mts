import type { Tools } from "../bootstrap.mjs";
export function readTools(file?: string): Tools | undefined;
export function writeTools(tools: Tools, file?: string): void;
export class VersionMemory {
  public constructor(before?: Tools["seen"]);
  public seen: Tools["seen"];
  public of(path: string, ask: () => Promise<string>): Promise<string>;
}
