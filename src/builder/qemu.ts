import { spawn } from "node:child_process";
import { createServer, type Server } from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import { existsSync, readFileSync } from "node:fs";
import { execa } from "execa";
import { compareVersions } from "../bootstrap/versions.mjs";
import { UserError } from "../lib/user-error.ts";

export type Architecture = "x86_64" | "aarch64";
export type Accelerator = "kvm" | "hvf" | "tcg";

/** Everything needed below is in QEMU 6.0 (April 2021); older ones were never tried. */
export const minimumQemuVersion = "6.0";

/** A guest to run, whatever it is for. */
export interface GuestSpecification {
  arch: Architecture;
  /** QEMU's machine type. @default q35 or virt, by architecture */
  machine?: string;
  accelerator: Accelerator;
  memoryMib: number;
  /** Arguments of this guest alone: kernel, disks, network, firmware. */
  arguments: readonly string[];
  /** All serial ports of the guest end up in this file. */
  consoleLog: string;
  /** A socket that listens, for someone who wants to see the console and type. */
  consoleSocket?: string;
  /** Unfinished files and sockets; short, for socket paths end at 104 bytes on macOS. */
  scratch: string;
}

/** A running guest. */
export interface Guest {
  /** Resolves when QEMU has ended, with its exit code (null when killed) and what it said on stderr. */
  ended: Promise<{ exitCode: number | null; stderr: string }>;
  /** Ends QEMU at once. */
  kill(): void;
}

/** A value inside QEMU's comma-separated options: commas are doubled. */
export function optionValue(value: string): string {
  return value.replaceAll(",", ",,");
}

/**
 * The plainest processor that runs the architecture's Alpine: every extension beyond it (vectors, protection keys, a fifth
 * level of page tables, pointer authentication) is work that emulation does for nothing. `max` took a third longer.
 */
const emulatedCpu: Record<Architecture, string> = {
  x86_64: "qemu64",
  // The plain ones of this architecture have no atomic instructions, and the loops in their place hang now and then.
  aarch64: "max,sve=off,pauth-impdef=on",
};

/** The machine, CPU, console and silence that all guests of an architecture share. */
export function machineArguments(guest: GuestSpecification): string[] {
  const { arch, accelerator } = guest;
  const emulated = accelerator === "tcg";
  const accel = emulated ? "tcg,tb-size=256" : accelerator;
  const cpu = emulated ? emulatedCpu[arch] : "host";
  // One emulated CPU: with two, QEMU 7.2 now and then runs half-patched kernel code (an int3 oops while booting).
  const cpus = emulated ? 1 : 2;
  const log = optionValue(guest.consoleLog);
  const console =
    guest.consoleSocket === undefined
      ? `file,id=console,path=${log},mux=on`
      : `socket,id=console,path=${optionValue(guest.consoleSocket)},mux=on,logfile=${log}`;
  const machine = guest.machine ?? (arch === "x86_64" ? "q35" : "virt,gic-version=max");
  return [
    ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
    ["-machine", machine],
    ["-accel", accel, "-cpu", cpu, "-smp", String(cpus), "-m", `${guest.memoryMib}M`],
    ["-chardev", console, "-serial", "chardev:console"],
    // Without randomness a guest's first key generation waits for it.
    ["-device", "virtio-rng-pci"],
  ].flat();
}

/** Starts QEMU under the watchdog: it dies with this process, even when that is killed with -9. */
export async function startGuest(guest: GuestSpecification): Promise<Guest> {
  const qemu = await findQemu(guest.arch);
  const child = spawn(
    path.join(import.meta.dirname, "supervise"),
    [qemu, ...machineArguments(guest), ...guest.arguments],
    { stdio: ["pipe", "ignore", "pipe"], detached: true },
  );
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr = (stderr + text).slice(-8_000)));
  // The life line of the watchdog; that it breaks when QEMU ends first is no fault.
  child.stdin.on("error", () => {});
  const ended = new Promise<{ exitCode: number | null; stderr: string }>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode) => resolve({ exitCode, stderr: stderr.trim() }));
  });
  return { ended, kill: () => child.stdin.destroy() };
}

const found = new Map<Architecture, Promise<string>>();

/** The path of a QEMU that is new enough. Throws a UserError that says what to install. */
export function findQemu(arch: Architecture): Promise<string> {
  let answer = found.get(arch);
  if (answer === undefined) {
    answer = checkQemu(`qemu-system-${arch}`);
    found.set(arch, answer);
  }
  return answer;
}

async function checkQemu(program: string): Promise<string> {
  const { stdout, failed } = await execa(program, ["--version"], { reject: false });
  if (failed)
    throw new UserError(
      "tool-missing",
      `${program} was not found or does not run`,
      "npm run bootstrap installs it or says how",
      { where: program },
    );
  const version = /version (\d+\.\d+)/.exec(stdout)?.[1];
  if (version === undefined || compareVersions(version, minimumQemuVersion) < 0) {
    throw new UserError(
      "tool-outdated",
      `${program} is version ${version ?? "unknown"}, and ${minimumQemuVersion} or newer is needed`,
      "install a newer QEMU and put it first on PATH",
      { where: program },
    );
  }
  return program;
}

/** A virtio serial port of the guest that leads to a socket of ours. */
export interface ReportPort {
  arguments: string[];
  /** Lines the guest wrote, as they come; ends when the guest does. */
  lines: AsyncIterable<string>;
  /** To be called when the guest has ended or never came; loses nothing of what it sent. */
  close(): void;
}

/** Opens the port by which a guest reports: `/dev/vport0p1` in the guest. */
export async function openReportPort(scratch: string): Promise<ReportPort> {
  const socketPath = path.join(scratch, "report");
  const server: Server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(socketPath, resolve);
  });
  const queue: string[] = [];
  let ended = false;
  let connected = false;
  let wake: () => void = () => {};
  server.once("connection", (socket) => {
    connected = true;
    socket.on("error", () => {});
    const reader = createInterface({ input: socket, crlfDelay: Infinity });
    reader.on("line", (line) => {
      queue.push(line);
      wake();
    });
    reader.on("close", () => {
      ended = true;
      wake();
    });
  });
  async function* lines(): AsyncGenerator<string> {
    for (;;) {
      const line = queue.shift();
      if (line !== undefined) yield line;
      else if (ended) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  return {
    arguments: [
      ["-device", "virtio-serial-pci"],
      ["-chardev", `socket,id=report,path=${optionValue(socketPath)}`],
      ["-device", "virtserialport,chardev=report,name=org.alpinelinux.report"],
    ].flat(),
    lines: lines(),
    close() {
      server.close();
      // What an ended guest has sent may still be on its way; its connection ends the lines, when all is read.
      if (connected) return;
      ended = true;
      wake();
    },
  };
}

/** The last lines of a console log, without control sequences, for error messages. */
export function consoleTail(consoleLog: string, count = 40): string {
  if (!existsSync(consoleLog)) return "(the console stayed empty)";
  const text = readFileSync(consoleLog, "utf8");
  // eslint-disable-next-line no-control-regex
  const plain = text.replace(/\x1b(\[[0-9;?=]*[A-Za-z]|[()][A-Z0-9]|c)/g, "").replace(/\r/g, "");
  const lines = plain.split("\n").filter((line) => line.trim() !== "");
  return lines.length === 0 ? "(the console stayed empty)" : lines.slice(-count).join("\n");
}

/** What a guest's kernel panicked of, if it did: its last 40 lines are a trace without the reason. */
export function kernelPanic(consoleLog: string): string | undefined {
  if (!existsSync(consoleLog)) return undefined;
  return /Kernel panic - not syncing: ([^\r\n]*)/.exec(readFileSync(consoleLog, "utf8"))?.[1];
}
