/**
 * Starts a program in Linux namespaces, as a root who is nobody on the host. See docs/decisions/0013.
 *
 * Two user namespaces are nested. In the outer one, root is the user who builds; it mounts the program's files. The program is
 * in the inner one, whose users are all others than that user. bubblewrap adds the other namespaces.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, writeFileSync } from "node:fs";
import type { Server } from "node:net";
import os from "node:os";
import path from "node:path";
import type { Readable, Writable } from "node:stream";
import { execa } from "execa";
import { UserError } from "../../lib/user-error.ts";
import { type GuestIds, guestIds } from "./id-ranges.ts";
import { watchMemory } from "./watch-memory.ts";

/** A file of the host. */
export interface SandboxFile {
  /** Its name in the sandbox. */
  name: string;
  /** The host's file. */
  file: string;
  readOnly: boolean;
}

/** What a program in namespaces gets, and what it may use. */
export interface Sandbox {
  ids: GuestIds;
  /** A folder that becomes its root, read-only. */
  root: string;
  /** Files of the host that it gets, below `/disks`. */
  files: readonly SandboxFile[];
  /** Options of bubblewrap beyond those that all sandboxes have. */
  options: readonly string[];
  command: readonly string[];
  /** A compiled seccomp filter. */
  filter: string;
  /** Gets its output. */
  log: string;
  /** A line for binfmt_misc, if programs of another architecture are to run. */
  emulator?: string;
  /** Answers on a port of its loopback, the only thing that its network has. */
  service?: { server: Server; port: number };
  /** Memory of its processes, together and each. */
  memoryBytes: number;
  /** Length of a file that it writes. */
  fileBytes: number;
}

/** A program in namespaces. */
export interface SandboxedProgram {
  /** What it writes to file descriptor 4. */
  report: Readable;
  /** Resolves when it, and every process that it has started, has ended. */
  ended: Promise<{ exitCode: number | null; stderr: string }>;
  /** Ends it at once. */
  kill: () => void;
}

/** It and everything that it starts may have this many processes. Installing and configuring an image takes about 20. */
const mostProcesses = 512;

/** What root may do within: install files of all users, and change its root folder. */
const capabilities = "CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETFCAP SETGID SETUID SYS_CHROOT".split(" ");

/** Folders of every Linux, of which `enter-namespaces` hides one behind the guest's files. */
const places = ["/mnt", "/media", "/srv", "/opt"];

/** The first one that none of the paths leads through. */
function placeBeside(paths: readonly string[]): string {
  const place = places.find((one) => paths.every((path) => !`${path}/`.startsWith(`${one}/`)));
  if (place === undefined) throw new Error(`${paths.join(", ")} are below all of ${places.join(", ")}`);
  return place;
}

/** Options of bubblewrap that all sandboxes have. @param place the folder that `enter-namespaces` fills */
const commonOptions = (place: string, files: readonly SandboxFile[]): string[] =>
  [
    ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"],
    // Ends with its parent, and has no terminal to write commands into.
    ["--die-with-parent", "--new-session", "--hostname", "localhost"],
    ["--clearenv", "--setenv", "PATH", "/usr/sbin:/usr/bin:/sbin:/bin"],
    ["--cap-drop", "ALL", ...capabilities.flatMap((name) => ["--cap-add", `CAP_${name}`])],
    ["--info-fd", "6", "--block-fd", "7", "--seccomp", "8"],
    ["--ro-bind", `${place}/root`, "/", "--proc", "/proc", "--dev", "/dev"],
    ...files.map(({ name, readOnly }) => [
      readOnly ? "--ro-bind" : "--bind",
      `${place}/${name}`,
      `/disks/${name}`,
    ]),
  ].flat();

/**
 * Starts a program.
 * @throws UserError if the outer namespace cannot be made. Whatever fails later is in the log, and in the exit code.
 */
export async function startSandboxed(sandbox: Sandbox): Promise<SandboxedProgram> {
  const { root, files } = sandbox;
  const place = placeBeside([root, ...files.map(({ file }) => file)]);
  const outer = await makeOuterNamespace(sandbox.ids);
  const [log, filter] = [openSync(sandbox.log, "w"), openSync(sandbox.filter, "r")];
  const program = spawn(
    path.join(import.meta.dirname, "../supervise"),
    [
      ["nsenter", "--user", "--target", String(outer.pid), "--setuid", "0", "--setgid", "0"],
      [
        "prlimit",
        `--nproc=${mostProcesses}`,
        `--data=${sandbox.memoryBytes}`,
        `--fsize=${sandbox.fileBytes}`,
      ],
      ["--core=0", "--", "unshare", "--mount", "--propagation", "private"],
      path.join(import.meta.dirname, "enter-namespaces"),
      [...commonOptions(place, files), ...sandbox.options, "--", ...sandbox.command],
    ].flat(),
    {
      // 0 is the watchdog's, which also takes 3; 4 leads to the host; the rest is as enter-namespaces and bubblewrap have it.
      stdio: ["pipe", log, log, "ignore", "pipe", "pipe", "pipe", "pipe", filter],
      detached: true,
      env: {
        PATH: process.env["PATH"],
        GUEST_ROOT: root,
        GUEST_FILES: files.map(({ name, file }) => `${name}=${file}`).join("\n"),
        GUEST_PLACE: place,
        ...(sandbox.emulator !== undefined && { EMULATOR: sandbox.emulator }),
      },
    },
  );
  closeSync(log);
  closeSync(filter);
  const [watched, , , , report, life, info, gate] = program.stdio as unknown as [
    Writable,
    unknown,
    unknown,
    unknown,
    Readable,
    Writable,
    Readable,
    Writable,
  ];
  // They break when the program ends first, which is not an error.
  for (const stream of [watched, life, gate, report]) stream.on("error", () => {});
  const kill = (): void => void watched.destroy();
  const memory = watchMemory(program.pid ?? 0, sandbox.memoryBytes, kill);
  let fault = "";
  const ended = new Promise<{ exitCode: number | null; stderr: string }>((resolve, reject) => {
    const release = (): string | undefined => {
      for (const stream of [life, outer.stdin!, gate]) stream.destroy();
      return memory.stop();
    };
    program.once("error", (error) => {
      release();
      reject(error);
    });
    program.once("exit", (exitCode) => resolve({ exitCode, stderr: release() ?? fault }));
  });
  open(info, gate, sandbox.service).catch((error: unknown) => {
    fault = error instanceof Error ? error.message : String(error);
    kill();
  });
  return { report, ended, kill };
}

/** Lets the program begin once its service listens in its network. */
async function open(info: Readable, gate: Writable, service: Sandbox["service"]): Promise<void> {
  const text = await firstDocument(info);
  // bubblewrap could not start. Its message is in the log.
  if (text === undefined) return;
  const { "child-pid": pid } = JSON.parse(text) as { "child-pid": number };
  if (service !== undefined) service.server.listen(await listenIn(pid, service.port));
  gate.end("go");
}

/** What bubblewrap tells of the sandbox: a JSON object without inner objects. Undefined if it ends before. */
async function firstDocument(stream: Readable): Promise<string | undefined> {
  let text = "";
  for await (const chunk of stream.setEncoding("utf8")) {
    text += String(chunk);
    if (text.includes("}")) return text;
  }
  return undefined;
}

/** A listening socket on a port of a process's loopback. */
async function listenIn(pid: number, port: number): Promise<Server> {
  const listener = spawn(
    "nsenter",
    [
      ["--preserve-credentials", "--user", "--net", "--target", String(pid), process.execPath],
      [path.join(import.meta.dirname, "listen-in-namespace.mjs"), String(port)],
    ].flat(),
    { stdio: ["ignore", "ignore", "inherit", "ipc"] },
  );
  return new Promise((resolve, reject) => {
    listener.once("message", (_, socket) => resolve(socket as Server));
    listener.once("error", reject);
    listener.once("exit", () => reject(new Error("no socket could be opened in the sandbox's network")));
  });
}

/** Starts a process that holds a new user namespace until its stdin closes, and gives the namespace its ids. */
async function makeOuterNamespace({ user, group }: GuestIds): Promise<ChildProcess> {
  const holder = spawn("unshare", ["--user", "sh", "-c", "echo && exec cat >/dev/null"], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  holder.stdin.on("error", () => {});
  let message = "";
  holder.stderr.setEncoding("utf8").on("data", (text: string) => (message += text));
  try {
    await Promise.race([once(holder.stdout, "data"), once(holder, "close")]);
    if (holder.exitCode !== null) throw new Error(message.trim());
    await giveIds("user", holder.pid!, os.userInfo().uid, user);
    await giveIds("group", holder.pid!, os.userInfo().gid, group);
    return holder;
  } catch (error) {
    holder.kill();
    throw new UserError(
      "namespace-unavailable",
      `no user namespace can be made: ${error instanceof Error ? error.message : String(error)}`,
      "`npm run build -- --why` says what is missing; `build.isolation: vm` does without",
      { where: "build.isolation", cause: error },
    );
  }
}

/** Maps the current user to root, and 1 to 65536 to ids from `first` on. Only root may do so without the helpers' leave. */
async function giveIds(kind: "user" | "group", pid: number, own: number, first: number): Promise<void> {
  const letter = kind[0]!;
  if (process.getuid?.() === 0) {
    writeFileSync(`/proc/${pid}/${letter}id_map`, `0 ${own} 1\n1 ${first} ${guestIds}\n`);
    return;
  }
  const map = ["0", own, "1", "1", first, guestIds].map(String);
  const { failed, stderr } = await execa(`new${letter}idmap`, [String(pid), ...map], { reject: false });
  if (failed) throw new Error(stderr || `new${letter}idmap failed`);
}
