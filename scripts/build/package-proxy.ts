import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { UserError } from "../lib/user-error.ts";
import { fetchPackage, type MirrorSettings, type Repository } from "./mirror.ts";

/**
 * What a build guest sees of the network: plain HTTP for the repositories of its job and nothing else. TLS, the cache
 * and the checks against the verified index are on this side, for the guest's clock stands in the past.
 */
export interface PackageProxy {
  port: number;
  /** The path under which a repository is served, by its place in the list. */
  path(repository: number): string;
  /** The first fault that made a request fail: apk in the guest only sees an HTTP status. */
  fault(): Error | undefined;
  close(): Promise<void>;
}

/** Serves the repositories on a loopback port of its own. */
export async function startPackageProxy(
  mirror: MirrorSettings,
  repositories: readonly Repository[],
): Promise<PackageProxy> {
  let fault: Error | undefined;
  const server = createServer((request, response) => {
    const answer = (status: number, body: Buffer | string): void => {
      response.writeHead(status, { "content-length": Buffer.byteLength(body) });
      response.end(request.method === "HEAD" ? undefined : body);
    };
    find(request.url ?? "").then(
      (content) => answer(content === undefined ? 404 : 200, content ?? "not in the repository's index\n"),
      (error: Error) => {
        fault ??= error;
        answer(502, `${error.message}\n`);
      },
    );
  });

  async function find(url: string): Promise<Buffer | undefined> {
    const [, number, arch, file] = decodeURIComponent(url.split("?")[0] ?? "").split("/");
    const repository = repositories[Number(number)];
    if (repository === undefined || repository.arch !== arch) return undefined;
    if (file === "APKINDEX.tar.gz") return repository.index;
    const entry = repository.entries.find(({ name, version }) => `${name}-${version}.apk` === file);
    return entry === undefined ? undefined : fetchPackage(mirror, repository, entry);
  }

  await listening(server);
  return {
    port: (server.address() as AddressInfo).port,
    path: (repository) => `/${repository}`,
    fault: () => fault,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function listening(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(new UserError(`cannot listen on 127.0.0.1: ${error.message}`)));
    server.listen(0, "127.0.0.1", resolve);
  });
}
