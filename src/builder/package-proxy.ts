/** Serves a job's packages to its build guest. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { findMade, keepContent } from "./made-files.ts";
import { fetchPackage, type MirrorSettings, type Repository } from "./mirror.ts";

/**
 * The only network service of a build guest: plain HTTP for the repositories of its job and for initramfs archives that
 * other guests have made. TLS, caching and verification happen on the host, because the guest's clock is in the past.
 */
export interface PackageProxy {
  /** Does not listen yet: where it does depends on the guest's place. */
  server: Server;
  /** The first error that made a request fail. apk in the guest sees only an HTTP status. */
  fault(): Error | undefined;
  close(): Promise<void>;
}

/**
 * Serves the repositories.
 * @param useCache whether guests may get files that other guests made
 */
export function packageProxy(
  mirror: MirrorSettings,
  repositories: readonly Repository[],
  useCache: boolean,
): PackageProxy {
  let fault: Error | undefined;
  const server = createServer((request, response) => {
    const answer = (status: number, body: Buffer | string): void => {
      response.writeHead(status, { "content-length": Buffer.byteLength(body) });
      response.end(request.method === "HEAD" ? undefined : body);
    };
    const [, key, digest] =
      /^\/initramfs\/([0-9a-f]{64})(?:\?sha256=([0-9a-f]{64}))?$/.exec(request.url ?? "") ?? [];
    if (key !== undefined && request.method === "PUT") {
      void keepInitramfs(key, digest, request).then((kept) => answer(kept ? 200 : 400, ""));
      return;
    }
    (key === undefined ? find(request.url ?? "") : initramfs(key)).then(
      (content) => answer(content === undefined ? 404 : 200, content ?? "not found\n"),
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

  async function initramfs(key: string): Promise<Buffer | undefined> {
    const file = useCache ? await findMade("initramfs", key) : undefined;
    return file === undefined ? undefined : readFileSync(file);
  }

  /** Saves what a guest made for later guests, if it arrived complete. */
  async function keepInitramfs(key: string, digest: string | undefined, request: Readable): Promise<boolean> {
    try {
      const content = await buffer(request);
      if (createHash("sha256").update(content).digest("hex") !== digest) return false;
      if (useCache) await keepContent("initramfs", key, content);
      return true;
    } catch {
      // Not an error: the guest still has what it made.
      return false;
    }
  }

  return {
    server,
    fault: () => fault,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
