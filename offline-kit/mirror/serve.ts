/** Serves a directory over HTTP on loopback, as a plain mirror does; tests can make it misbehave. */
import { createReadStream, type Stats } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve, sep } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { pathToFileURL } from "node:url";
import { Command } from "commander";

/** What goes wrong, for the paths that match. The first fault that matches a request applies. */
export type Fault = {
  /** Matched against the decoded path of the request, e.g. `/v3.23/main/x86_64/APKINDEX.tar.gz`. */
  path: string | RegExp;
  /** How many requests it applies to; all when absent. */
  times?: number;
} & (
  | { kind: "status"; status: number }
  /** Sends so many bytes and then nothing more, with the connection open. */
  | { kind: "stall"; afterBytes: number }
  /** Announces the whole length, sends so many bytes and closes the connection. */
  | { kind: "truncate"; afterBytes: number }
  /** Sends the file with this byte inverted; a negative offset counts from the end. */
  | { kind: "flip"; offset: number }
);

export interface ServedRequest {
  method: string;
  path: string;
  status: number;
}

export interface ServeOptions {
  /** 0 takes a free port. */
  port?: number;
  /** Read at every request, so a test may change the array while the server runs. */
  faults?: Fault[];
  onRequest?: (request: ServedRequest) => void;
}

export interface DirectoryServer {
  /** Without a slash at the end. */
  url: string;
  port: number;
  close(): Promise<void>;
}

/** Starts the server on 127.0.0.1. `close` ends open transfers too, stalled ones included. */
export async function serveDirectory(
  directory: string,
  options: ServeOptions = {},
): Promise<DirectoryServer> {
  const root = await realpath(resolve(directory)).catch(() => {
    throw new Error(`cannot serve ${directory}: there is no such directory`);
  });
  const uses = new Map<Fault, number>();
  const server = createServer((request, response) => {
    const path = decodePath(request.url) ?? request.url ?? "";
    // told before the answer leaves: whoever has the answer must find its request counted
    const tell = (status: number): void =>
      options.onRequest?.({ method: request.method ?? "", path, status });
    answer(root, request, response, (path) => takeFault(options.faults ?? [], uses, path), tell).catch(() => {
      // the client went away, or the file did: there is nobody to tell but the connection itself
      response.destroy();
    });
  });
  await new Promise<void>((ready, failed) => {
    server.once("error", failed);
    server.listen(options.port ?? 0, "127.0.0.1", ready);
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${String(port)}`, port, close: () => closeServer(server) };
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((done) => server.close(() => done()));
  server.closeAllConnections();
  await closed;
}

/** The path of a request, decoded; undefined when it is not a path (bad percent code, NUL byte). */
export function decodePath(url: string | undefined): string | undefined {
  const raw = (url ?? "/").split(/[?#]/, 1)[0] ?? "/";
  try {
    const path = decodeURIComponent(raw);
    return path.startsWith("/") && !path.includes("\0") ? path : undefined;
  } catch {
    return undefined;
  }
}

function takeFault(faults: readonly Fault[], uses: Map<Fault, number>, path: string): Fault | undefined {
  const matches = (fault: Fault): boolean => {
    if ((uses.get(fault) ?? 0) >= (fault.times ?? Infinity)) return false;
    return typeof fault.path === "string" ? fault.path === path : fault.path.test(path);
  };
  const fault = faults.find(matches);
  if (fault !== undefined) uses.set(fault, (uses.get(fault) ?? 0) + 1);
  return fault;
}

async function answer(
  root: string,
  request: IncomingMessage,
  response: ServerResponse,
  faultOf: (path: string) => Fault | undefined,
  tell: (status: number) => void,
): Promise<void> {
  const finish = (status: number): void => {
    tell(status);
    const text = `${String(status)}\n`;
    response.writeHead(status, { "content-type": "text/plain", "content-length": text.length });
    response.end(text);
  };
  const method = request.method ?? "GET";
  if (method !== "GET" && method !== "HEAD") {
    response.setHeader("allow", "GET, HEAD");
    return finish(405);
  }
  const path = decodePath(request.url);
  if (path === undefined) return finish(400);
  const file = await findFile(root, path);
  const fault = faultOf(path);
  if (fault?.kind === "status") return finish(fault.status);
  if (file === undefined) return finish(404);
  const tag = entityTag(file.status);
  response.setHeader("etag", tag);
  response.setHeader("last-modified", file.status.mtime.toUTCString());
  response.setHeader("accept-ranges", "none");
  if (isUnchanged(request, tag, file.status)) {
    tell(304);
    response.statusCode = 304;
    response.end();
    return;
  }
  tell(200);
  response.setHeader("content-length", file.status.size);
  response.setHeader("content-type", contentType(path));
  if (method === "HEAD") {
    response.end();
    return;
  }
  await sendFile(file.path, file.status.size, response, fault);
}

/** The regular file at a path below `root`; undefined if there is none, or if it (or a link on the way) leads outside. */
async function findFile(root: string, path: string): Promise<{ path: string; status: Stats } | undefined> {
  if (path.split("/").includes("..")) return undefined;
  const found = await realpath(join(root, path)).catch(() => undefined);
  if (found === undefined || !found.startsWith(root + sep)) return undefined;
  const status = await stat(found).catch(() => undefined);
  return status?.isFile() === true && !path.endsWith("/") ? { path: found, status } : undefined;
}

const entityTag = ({ size, mtimeMs, ino }: Stats): string =>
  `"${size.toString(16)}-${Math.floor(mtimeMs * 1000).toString(16)}-${ino.toString(16)}"`;

/** If-None-Match counts alone when it is there, as RFC 9110 says; dates are whole seconds. */
function isUnchanged(request: IncomingMessage, tag: string, status: Stats): boolean {
  const tags = request.headers["if-none-match"];
  if (tags !== undefined) return tags.split(",").some((one) => [tag, `W/${tag}`, "*"].includes(one.trim()));
  const since = Date.parse(request.headers["if-modified-since"] ?? "");
  return Number.isFinite(since) && Math.floor(status.mtimeMs / 1000) * 1000 <= since;
}

function contentType(path: string): string {
  if (/\.(ya?ml|json|pub|txt)$/.test(path)) return "text/plain; charset=utf-8";
  return "application/octet-stream";
}

async function sendFile(path: string, size: number, response: ServerResponse, fault?: Fault): Promise<void> {
  // exactly the announced bytes, even when the file grows meanwhile
  const whole = { start: 0, end: Math.max(0, size - 1) };
  if (size === 0) {
    response.end();
    return;
  }
  if (fault?.kind === "stall" || fault?.kind === "truncate") {
    const partial = createReadStream(path, { start: 0, end: Math.max(0, fault.afterBytes - 1) });
    if (fault.afterBytes > 0) await pipeline(partial, response, { end: false });
    else response.flushHeaders();
    if (fault.kind === "truncate") response.destroy();
    return;
  }
  const stream = createReadStream(path, whole);
  if (fault?.kind === "flip") {
    await pipeline(stream, flipByte(fault.offset < 0 ? size + fault.offset : fault.offset), response);
    return;
  }
  await pipeline(stream, response);
}

function flipByte(offset: number): Transform {
  let passed = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const at = offset - passed;
      passed += chunk.length;
      if (at < 0 || at >= chunk.length) return done(undefined, chunk);
      const changed = Buffer.from(chunk);
      changed[at] = (chunk[at] ?? 0) ^ 0xff;
      done(undefined, changed);
    },
  });
}

async function main(): Promise<void> {
  const program = new Command("serve")
    .description("Serves a directory (the offline mirror) on 127.0.0.1 until it is stopped")
    .requiredOption("--dir <directory>", "what to serve")
    .option("--port <number>", "port; a free one when absent", Number, 0)
    .parse();
  const { dir, port } = program.opts<{ dir: string; port: number }>();
  const server = await serveDirectory(dir, { port });
  console.log(server.url);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void server.close());
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await main().catch((error: unknown) => {
    console.error(`serve: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  });
}
