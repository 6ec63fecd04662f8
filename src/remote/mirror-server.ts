/** Serves a mirror on this machine to a builder, through its connection. */
import { createServer, type Server } from "node:http";
import { download, type MirrorSettings } from "../builder/mirror.ts";

/** Whether a mirror is reachable only from this machine: a folder, or a server on loopback. */
export function isOnThisMachine(url: string): boolean {
  if (url.startsWith("file://")) return true;
  const { hostname } = new URL(url);
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}

/** Serves a mirror's files to a builder that cannot reach the mirror itself. */
export function mirrorServer(mirror: MirrorSettings): Server {
  return createServer((request, response) => {
    const answer = (status: number, body: Buffer | string): void => {
      response.writeHead(status, { "content-length": Buffer.byteLength(body) });
      response.end(body);
    };
    const name = request.url ?? "";
    // Repositories have plain names. This serves nothing outside the mirror's folder.
    if (request.method !== "GET" || !/^(\/(?!\.)[\w.+~:-]+)+$/.test(name)) {
      answer(404, "only a mirror's files are served here\n");
      return;
    }
    download(mirror.url.replace(/\/$/, "") + name, mirror.stallSeconds).then(
      (content) => answer(200, content),
      (error: Error) => {
        // The builder sees only the status.
        process.stderr.write(`${error.message}\n`);
        answer(502, `${error.message}\n`);
      },
    );
  });
}
