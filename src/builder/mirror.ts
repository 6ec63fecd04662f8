/** Fetches indexes and packages from a mirror, and verifies them. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import pRetry, { AbortError } from "p-retry";
import { EnvHttpProxyAgent, request } from "undici";
import { writeFileAtomically } from "../lib/atomic-file.ts";
import type { ErrorCode } from "../lib/error-codes.ts";
import { UserError } from "../lib/user-error.ts";
import { localPath } from "../lib/file-url.ts";
import { cacheFolder, projectRoot } from "../lib/workspace.ts";
import { ArchiveError, type TrustedKeys, verifyPackage } from "./apk-archive.ts";
import { type IndexEntry, readIndex } from "./apk-index.ts";
import { markUsed } from "./cache-limit.ts";
import { officialMirrorUrl } from "../lib/official-mirror.ts";

/** Where packages come from, and which signatures are trusted. */
export interface MirrorSettings {
  /** Logical name, part of an image's inputs and metadata: `official`, `offline`. */
  name: string;
  /** Replaces `https://dl-cdn.alpinelinux.org/alpine`: http, https, or a folder as `file://`. */
  url: string;
  /** Trusted public key files. A signature names its key by the file's base name. */
  keyFiles: readonly string[];
  /** A transfer fails after this long without data, so that a stalled mirror cannot block a build. @default 20 */
  stallSeconds?: number;
}

/** A repository with its verified index. */
export interface Repository {
  /** The declared URL, which is also written into the image. */
  declaredUrl: string;
  arch: string;
  /** If set, apk uses this repository only for packages requested as `name@tag`. */
  tag?: string;
  entries: readonly IndexEntry[];
  /** APKINDEX.tar.gz as it was fetched and verified. Guests get these bytes. */
  index: Buffer;
  /** sha256 of `index`. */
  digest: string;
}

/** How often a download is tried. */
const attempts = 3;

/** Reads the trusted keys. A missing or invalid file is an error. */
export function trustedKeys(keyFiles: readonly string[]): TrustedKeys {
  return new Map(
    keyFiles.map((name) => {
      const file = path.resolve(projectRoot, name);
      if (!existsSync(file)) {
        throw new UserError(
          "file-missing",
          `mirror key ${file} not found`,
          "check the public key files in the stack's mirror.keys",
          { where: file },
        );
      }
      const key = readFileSync(file, "utf8");
      if (!key.includes("BEGIN PUBLIC KEY"))
        throw new UserError("mirror-key-invalid", `mirror key ${file} is not a PEM public key`, undefined, {
          where: file,
        });
      return [path.basename(file), key];
    }),
  );
}

/** Fetches a repository's index and checks its signature. */
export async function openRepository(
  mirror: MirrorSettings,
  declaredUrl: string,
  arch: string,
  keys: TrustedKeys = trustedKeys(mirror.keyFiles),
): Promise<Repository> {
  const url = `${mirrored(mirror, declaredUrl)}/${arch}/APKINDEX.tar.gz`;
  if (mirror.name === "offline") checkKitHas(mirrored(mirror, declaredUrl), arch);
  const index = await download(url, mirror.stallSeconds);
  try {
    const entries = await readIndex(index, keys);
    return { declaredUrl, arch, entries, index, digest: createHash("sha256").update(index).digest("hex") };
  } catch (error) {
    return refuseArchive(error, "index", url);
  }
}

/** The offline kit is made for one architecture at a time and one Alpine version, so the error can say what is missing. */
function checkKitHas(url: string, arch: string): void {
  const repository = localPath(url);
  if (repository === undefined || existsSync(path.join(repository, arch))) return;
  if (!existsSync(repository)) {
    throw new UserError(
      "offline-kit-incomplete",
      `the offline kit has no ${repository}: it contains only one Alpine version`,
      "build this image in a stack that uses the official mirror, on a machine that can reach it",
      { where: repository },
    );
  }
  const kit = path.relative(projectRoot, path.resolve(repository, "../.."));
  const out = kit === kitFolder ? "" : ` --out ${kit}`;
  throw new UserError(
    "offline-kit-incomplete",
    `the offline kit has no packages for ${arch} yet (${repository})`,
    `make them with \`npm run kit -- --arch ${arch}${out}\`, once`,
    { where: repository },
  );
}

/** Where `npm run kit` puts it, relative to the project. */
export const kitFolder = ".tools/offline/mirror";

/** The package's verified bytes, from the cache or the mirror. A damaged file in the cache is fetched again. */
export async function fetchPackage(
  mirror: MirrorSettings,
  repository: Repository,
  entry: IndexEntry,
): Promise<Buffer> {
  const file = path.join(cacheFolder("packages"), packageCacheName(entry));
  if (existsSync(file)) {
    const cached = readFileSync(file);
    if (await isIntact(cached, entry.checksum)) {
      markUsed(file);
      return cached;
    }
    process.stderr.write(`${file} is damaged; fetching it again\n`);
  }
  const name = `${entry.name}-${entry.version}.apk`;
  const url = `${mirrored(mirror, repository.declaredUrl)}/${repository.arch}/${name}`;
  const archive = await download(url, mirror.stallSeconds);
  try {
    await verifyPackage(archive, entry.checksum);
  } catch (error) {
    refuseArchive(error, "package", url);
  }
  writeFileAtomically(file, archive);
  return archive;
}

async function isIntact(archive: Buffer, checksum: string): Promise<boolean> {
  try {
    await verifyPackage(archive, checksum);
    return true;
  } catch (error) {
    if (error instanceof ArchiveError) return false;
    throw error;
  }
}

/** The name contains the checksum, so packages from different mirrors never share a name. */
function packageCacheName(entry: IndexEntry): string {
  const checksum = Buffer.from(entry.checksum.slice(2), "base64").toString("hex");
  return `${entry.name}-${entry.version}-${checksum}.apk`;
}

/** Declared URL → the URL to fetch from. A repository outside Alpine's mirror is fetched from its declared URL. */
export function mirrored(mirror: MirrorSettings, declaredUrl: string): string {
  return declaredUrl.startsWith(`${officialMirrorUrl}/`)
    ? mirror.url.replace(/\/$/, "") + declaredUrl.slice(officialMirrorUrl.length)
    : declaredUrl;
}

const archiveCodes: Record<ArchiveError["code"], ErrorCode> = {
  format: "mirror-format-unknown",
  unsigned: "index-unsigned",
  "unknown-key": "signing-key-unknown",
  signature: "signature-invalid",
  checksum: "checksum-wrong",
};

const archiveHints: Record<ArchiveError["code"], string> = {
  format: "check the mirror's URL; the builder supports only apk v2 repositories",
  unsigned: "use a mirror that signs its index",
  "unknown-key": "if you trust that key, add it to the stack's mirror.keys",
  signature: "the mirror, or the connection to it, is damaged or hostile: use another mirror",
  checksum:
    "the mirror is being updated, or it or the connection to it is damaged or hostile: try again later, or use another mirror",
};

/** Reports a damaged or untrusted file of a mirror. @param what the file's kind: `index` or `package` */
function refuseArchive(error: unknown, what: string, url: string): never {
  if (!(error instanceof ArchiveError)) throw error;
  throw new UserError(
    archiveCodes[error.code],
    `${what} ${url}: ${error.message}`,
    archiveHints[error.code],
    { where: url, cause: error },
  );
}

function readLocalMirror(url: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new UserError(
      "mirror-unreachable",
      `cannot read ${url}: ${(error as Error).message}`,
      "check the stack's mirror.url",
      { where: url, cause: error },
    );
  }
}

/** GET of a whole file, retried after connection failures, stalls and server errors, but not 4xx. Also reads folders. */
export async function download(url: string, stallSeconds = 20): Promise<Buffer> {
  const file = localPath(url);
  if (file !== undefined) return readLocalMirror(url, file);
  const stallMilliseconds = stallSeconds * 1000;
  const dispatcher = new EnvHttpProxyAgent({ connect: { timeout: 10_000 } });
  try {
    return await pRetry(
      async () => {
        const answer = await request(url, {
          dispatcher,
          headersTimeout: stallMilliseconds,
          bodyTimeout: stallMilliseconds,
        });
        if (answer.statusCode === 200) return Buffer.from(await answer.body.arrayBuffer());
        await answer.body.dump();
        const error = new Error(`the server answered ${answer.statusCode}`);
        throw answer.statusCode >= 500 ? error : new AbortError(error);
      },
      { retries: attempts - 1, minTimeout: 200, maxTimeout: 2_000, shouldRetry: () => true },
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message || error.name : String(error);
    throw new UserError(
      "mirror-unreachable",
      `cannot fetch ${url}: ${reason}`,
      fetchHint(error, new Date()),
      { where: url, cause: error },
    );
  } finally {
    void dispatcher.close();
  }
}

/** What to do about a failed download. If the clock is far off, TLS rejects valid certificates by their dates. */
export function fetchHint(error: unknown, now: Date): string {
  const { code } = error as { code?: unknown };
  return code === "CERT_HAS_EXPIRED" || code === "CERT_NOT_YET_VALID"
    ? `this machine's clock says ${now.toISOString().slice(0, 16)}Z: correct it if it is wrong; otherwise the mirror's certificate is invalid`
    : "check the mirror's URL and the connection to it";
}
