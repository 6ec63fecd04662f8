/** The architecture of this host. */
import os from "node:os";
import type { Architecture } from "./qemu.ts";

/** Node's name of an architecture → the name in images; undefined if no image can have it. @param arch default: this host's */
export function hostArchitecture(arch: string = os.arch()): Architecture | undefined {
  const architectures: Record<string, Architecture> = { x64: "x86_64", arm64: "aarch64" };
  return architectures[arch];
}
