/**
 * Pipes for a child's standard streams. Node uses socket pairs, on which opening /dev/stderr or /dev/stdin fails ("No
 * such device or address"). The real provider uses pipes, so commands may rely on them.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** A pipe's two ends. Each is a separate open file and blocking, as a child expects. */
export interface Pipe {
  readEnd: number;
  writeEnd: number;
}

/** Opens `count` named pipes. Their names are deleted when this returns. */
export async function openPipes(count: number): Promise<Pipe[]> {
  const directory = mkdtempSync(join(tmpdir(), "command-pipes-"));
  try {
    const paths = Array.from({ length: count }, (_, index) => join(directory, String(index)));
    await execute("mkfifo", ["-m", "600", ...paths]);
    return paths.map(openBothEnds);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function openBothEnds(path: string): Pipe {
  // Opening one end blocks until the other is open, unless a process has both open.
  const both = openSync(path, constants.O_RDWR);
  try {
    return { readEnd: openSync(path, constants.O_RDONLY), writeEnd: openSync(path, constants.O_WRONLY) };
  } finally {
    closeSync(both);
  }
}

/**
 * A pipe for stdin. On Linux it must be anonymous: with a named pipe, opening /dev/stdin after the writer has ended
 * blocks forever. Node can't make an anonymous pipe, but a shell can, and /proc gives access to it.
 */
export async function openStdinPipe(): Promise<Pipe> {
  if (process.platform !== "linux") return ((await openPipes(1)) as [Pipe])[0];
  const holder = spawn("/bin/sh", ["-c", "true | sh -c 'exec 4<&0; echo $$; read line <&3'"], {
    stdio: ["ignore", "pipe", "ignore", "pipe"],
  });
  const ended = once(holder, "close");
  try {
    const [text] = (await once(holder.stdout as Socket, "data")) as [Buffer];
    return openBothEnds(`/proc/${text.toString().trim()}/fd/4`);
  } finally {
    (holder.stdio[3] as Socket).end("\n");
    await ended;
  }
}

/** The parent's side of a pipe as a stream. */
export function streamOf(end: number, side: "read" | "write"): Socket {
  return new Socket({ fd: end, readable: side === "read", writable: side === "write" });
}
