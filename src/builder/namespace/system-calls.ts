/**
 * System calls that a build guest in namespaces may not make, and their numbers.
 *
 * Installing packages, running an image's own programs and writing a filesystem into a file need none of them. Each is a
 * way to the kernel that has led out of containers before, or one that no container confines.
 */

/** The architectures of hosts, by Node's names. */
export type HostArchitecture = "x64" | "arm64";

/** `AUDIT_ARCH_X86_64` and `AUDIT_ARCH_AARCH64`, from the kernel's include/uapi/linux/audit.h. */
export const auditArchitecture: Record<HostArchitecture, number> = { x64: 0xc000003e, arm64: 0xc00000b7 };

/**
 * Name → numbers on x86_64 and on arm64, from the kernel's arch/x86/entry/syscalls/syscall_64.tbl and
 * scripts/syscall.tbl. `null`: this architecture does not have it.
 */
type Numbers = Record<string, readonly [number, number | null]>;

const mounts: Numbers = {
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  open_tree: [428, 428],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  open_tree_attr: [467, 467],
  swapon: [167, 224],
  swapoff: [168, 225],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
};

const namespaces: Numbers = { unshare: [272, 97], setns: [308, 268] };

const keyrings: Numbers = { add_key: [248, 217], request_key: [249, 218], keyctl: [250, 219] };

const otherProcesses: Numbers = {
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  kcmp: [312, 272],
  pidfd_getfd: [438, 438],
  perf_event_open: [298, 241],
};

const kernel: Numbers = {
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  reboot: [169, 142],
  bpf: [321, 280],
  syslog: [103, 116],
  acct: [163, 89],
  iopl: [172, null],
  ioperm: [173, null],
  modify_ldt: [154, null],
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  clock_adjtime: [305, 266],
  adjtimex: [159, 171],
  sethostname: [170, 161],
  setdomainname: [171, 162],
  vhangup: [153, 58],
  userfaultfd: [323, 282],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  open_by_handle_at: [304, 265],
  fanotify_init: [300, 262],
  lookup_dcookie: [212, 18],
};

const column = (arch: HostArchitecture): 0 | 1 => (arch === "x64" ? 0 : 1);

/** Numbers of the system calls that fail with EPERM. */
export function refusedCalls(arch: HostArchitecture): number[] {
  return [mounts, namespaces, keyrings, otherProcesses, kernel]
    .flatMap((numbers) => Object.values(numbers))
    .flatMap((numbers) => numbers[column(arch)] ?? []);
}

/** Numbers of calls that the filter looks at more closely. */
export const inspectedCalls: Record<HostArchitecture, { clone: number; clone3: number; socket: number }> = {
  x64: { clone: 56, clone3: 435, socket: 41 },
  arm64: { clone: 220, clone3: 435, socket: 198 },
};
