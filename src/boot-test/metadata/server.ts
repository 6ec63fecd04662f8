/** Serves a cloud's metadata services to a guest. */
import { createServer, type Server } from "node:http";
import { listenOnLoopback } from "../../lib/loopback.ts";
import type { MetadataHandler } from "./service.ts";

/** A request and the status of its response. */
export interface Answered {
  method: string;
  /** Path and query. */
  url: string;
  status: number;
}

/** Metadata services that listen on this host's loopback, for one guest. */
export interface MetadataServer {
  /** The port of each service, by its address in the cloud. */
  ports: ReadonlyMap<string, number>;
  /** All requests so far. */
  requests: readonly Answered[];
  close(): Promise<void>;
}

/** Starts a server for each service. */
export async function serveMetadata(
  services: Readonly<Record<string, MetadataHandler>>,
): Promise<MetadataServer> {
  const requests: Answered[] = [];
  const servers: Server[] = [];
  const ports = new Map<string, number>();
  for (const [address, handle] of Object.entries(services)) {
    const server = httpServer(handle, requests);
    ports.set(address, await listenOnLoopback(server));
    servers.push(server);
  }
  return {
    ports,
    requests,
    async close() {
      await Promise.all(
        servers.map((server) => {
          server.closeAllConnections();
          return new Promise<void>((resolve) => server.close(() => resolve()));
        }),
      );
    },
  };
}

function httpServer(handle: MetadataHandler, requests: Answered[]): Server {
  return createServer((request, response) => {
    const { method = "", url = "/", headers } = request;
    const [path = "/", query = ""] = url.split("?", 2);
    const answer = handle({ method, path, query: new URLSearchParams(query), headers });
    requests.push({ method, url, status: answer.status });
    request.resume();
    response.writeHead(answer.status, {
      ...answer.headers,
      "content-length": Buffer.byteLength(answer.body),
    });
    response.end(method === "HEAD" ? undefined : answer.body);
  });
}
