import { createServer, type Server } from "node:http";
import { download, type MirrorSettings } from "../builder/mirror.ts";

/** Whether a mirror is on this machine alone: a folder, or a server on loopback. */
export function isOnThisMachine(url: string): boolean {
  if (url.startsWith("file://")) return true;
  const { hostname } = new URL(url);
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}

/** Serves a mirror's files, for a builder that has a way to this server and none to the mirror. */
export function mirrorServer(mirror: MirrorSettings): Server {
  return createServer((request, response) => {
    const answer = (status: number, body: Buffer | string): void => {
      response.writeHead(status, { "content-length": Buffer.byteLength(body) });
      response.end(body);
    };
    const name = request.url ?? "";
    // Repositories have plain names; nothing above the mirror's folder is served.
    if (request.method !== "GET" || !/^(\/(?!\.)[\w.+~:-]+)+$/.test(name)) {
      answer(404, "a mirror's files, nothing else\n");
      return;
    }
    download(mirror.url.replace(/\/$/, "") + name, mirror.stallSeconds).then(
      (content) => answer(200, content),
      (error: Error) => {
        // The builder only sees a status.
        process.stderr.write(`${error.message}\n`);
        answer(502, `${error.message}\n`);
      },
    );
  });
}
