/** Lines for binfmt_misc, which tell the kernel what runs programs of another architecture. */
import type { Architecture } from "../qemu.ts";

/** `e_machine` of ELF programs. */
const machine: Record<Architecture, number> = { x86_64: 62, aarch64: 183 };

/**
 * A line for `/proc/sys/fs/binfmt_misc/register` (the kernel's Documentation/admin-guide/binfmt-misc.rst). Flag F opens the
 * emulator at once, so that it is found from within any root folder.
 */
export function binaryFormat(arch: Architecture, emulator: string): string {
  const escaped = (bytes: readonly number[]): string =>
    bytes.map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
  // A 64-bit little-endian ELF file, an executable (2) or a shared object (3), for any system.
  const magic = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, ...Array<number>(8).fill(0), 2, 0, machine[arch], 0];
  const mask = [...Array<number>(7).fill(0xff), 0, ...Array<number>(8).fill(0xff), 0xfe, 0xff, 0xff, 0xff];
  return `:qemu-${arch}:M::${escaped(magic)}:${escaped(mask)}:${emulator}:F`;
}
