import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { listenOnLoopback } from "../lib/loopback.ts";
import { findMade, keepContent } from "./made-files.ts";
import { fetchPackage, type MirrorSettings, type Repository } from "./mirror.ts";

/**
 * What a build guest sees of the network: plain HTTP for the repositories of its job, for initramfs archives that other
 * guests have made, and nothing else. TLS, the caches and the checks against the verified index are on this side, for
 * the guest's clock stands in the past.
 */
export interface PackageProxy {
  port: number;
  /** The first fault that made a request fail: apk in the guest only sees an HTTP status. */
  fault(): Error | undefined;
  close(): Promise<void>;
}

/**
 * Serves the repositories on a loopback port of its own.
 * @param useCache whether guests may have what others made
 */
export async function startPackageProxy(
  mirror: MirrorSettings,
  repositories: readonly Repository[],
  useCache: boolean,
): Promise<PackageProxy> {
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
      (content) => answer(content === undefined ? 404 : 200, content ?? "not here\n"),
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

  /** Keeps what a guest made for the next one, if it came whole. */
  async function keepInitramfs(key: string, digest: string | undefined, request: Readable): Promise<boolean> {
    try {
      const content = await buffer(request);
      if (createHash("sha256").update(content).digest("hex") !== digest) return false;
      if (useCache) await keepContent("initramfs", key, content);
      return true;
    } catch {
      // A cache that takes nothing makes nothing wrong: the guest has what it made.
      return false;
    }
  }

  const port = await listenOnLoopback(server);
  return {
    port,
    fault: () => fault,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
