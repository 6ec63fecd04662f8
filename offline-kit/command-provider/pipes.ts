/**
 * Pipes for a child's standard streams. Node gives children socket pairs, on which opening /dev/stderr or
 * /dev/stdin fails ("No such device or address"); the real provider gives them pipes, so commands may count on it.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** A pipe's two ends, each an open file of its own and blocking, as a child expects them. */
export interface Pipe {
  readEnd: number;
  writeEnd: number;
}

/** Opens `count` pipes: named ones, whose names are gone again when this returns. */
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
  // Opening one end waits for the other, unless somebody holds both.
  const both = openSync(path, constants.O_RDWR);
  try {
    return { readEnd: openSync(path, constants.O_RDONLY), writeEnd: openSync(path, constants.O_WRONLY) };
  } finally {
    closeSync(both);
  }
}

/**
 * A pipe for stdin. On Linux it must be one without a name: whoever opens /dev/stdin of a named one after the
 * writer is gone waits for ever. Node can't make such a pipe, but a shell makes one, and /proc lends it.
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

/** Our side of a pipe as a stream; `end` says which side that is. */
export function streamOf(end: number, side: "read" | "write"): Socket {
  return new Socket({ fd: end, readable: side === "read", writable: side === "write" });
}
