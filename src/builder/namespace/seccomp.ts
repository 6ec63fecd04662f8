/**
 * The seccomp filter of a build guest in namespaces: a program in classic BPF (the kernel's
 * Documentation/userspace-api/seccomp_filter.rst), as `bwrap --seccomp` reads it. Written here because no maintained
 * package for Node writes one.
 */
import { auditArchitecture, type HostArchitecture, inspectedCalls, refusedCalls } from "./system-calls.ts";

/** Opcodes, from the kernel's include/uapi/linux/bpf_common.h. */
const opcode = {
  load: 0x20,
  jumpIfEqual: 0x15,
  jumpIfAtLeast: 0x35,
  jumpIfAnyBit: 0x45,
  answer: 0x06,
} as const;

/** Where `struct seccomp_data` has the call's number, its architecture, and the low half of its first argument. */
const field = { number: 0, architecture: 4, firstArgument: 16 } as const;

/** What the kernel does, from include/uapi/linux/seccomp.h; an error number is in the low half. */
const allow = 0x7fff0000;
const error = (number: number): number => 0x00050000 | number;
const EPERM = 1;
const EAFNOSUPPORT = 97;
const ENOSYS = 38;

/** From this number on, calls on x86_64 are those of its x32 variant, which would go around the list. */
const firstX32Call = 0x40000000;

/** All of clone's flags for new namespaces: NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const newNamespaces = 0x7e020000;

/** AF_UNIX, AF_INET and AF_INET6. Other families are not confined to a network namespace (vsock), or never needed. */
const socketFamilies = [1, 2, 10];

/** An instruction; `then` and `otherwise` say how many instructions to skip. */
interface Instruction {
  code: number;
  value: number;
  then?: number;
  otherwise?: number;
}

/** The filter for programs of a host's architecture. Programs of another architecture that the processor can run are refused. */
export function seccompFilter(arch: HostArchitecture): Buffer {
  const { clone, clone3, socket } = inspectedCalls[arch];
  const load = (value: number): Instruction => ({ code: opcode.load, value });
  const answer = (value: number): Instruction => ({ code: opcode.answer, value });
  /** The instructions that follow, only if the loaded value is as given. */
  const when = (value: number, body: Instruction[], code: number = opcode.jumpIfEqual): Instruction[] => [
    { code, value, otherwise: body.length },
    ...body,
  ];
  return assembled([
    load(field.architecture),
    { code: opcode.jumpIfEqual, value: auditArchitecture[arch], then: 1 },
    answer(error(EPERM)),
    load(field.number),
    ...(arch === "x64" ? when(firstX32Call, [answer(error(ENOSYS))], opcode.jumpIfAtLeast) : []),
    ...refusedCalls(arch).flatMap((number) => when(number, [answer(error(EPERM))])),
    // Its flags are in memory, where a filter cannot look. C libraries fall back to clone.
    ...when(clone3, [answer(error(ENOSYS))]),
    ...when(clone, [
      load(field.firstArgument),
      ...when(newNamespaces, [answer(error(EPERM))], opcode.jumpIfAnyBit),
      answer(allow),
    ]),
    ...when(socket, [
      load(field.firstArgument),
      ...socketFamilies.flatMap((family) => when(family, [answer(allow)])),
      answer(error(EAFNOSUPPORT)),
    ]),
    answer(allow),
  ]);
}

/** `struct sock_filter`: code (16 bits), jumps if true and if false (8 bits each), value (32 bits), in the host's byte order. */
function assembled(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(({ code, value, then = 0, otherwise = 0 }, index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(then, index * 8 + 2);
    bytes.writeUInt8(otherwise, index * 8 + 3);
    bytes.writeUInt32LE(value, index * 8 + 4);
  });
  return bytes;
}
