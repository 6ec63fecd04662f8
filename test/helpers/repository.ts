/** Small signed package repositories, made with a throwaway key. */
import { createHash, generateKeyPairSync } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { splitMembers, type TrustedKeys } from "../../src/builder/apk-archive.ts";
import { officialMirrorUrl } from "../../src/lib/official-mirror.ts";
import { writeIndex } from "../../offline-kit/mirror/apk-index.ts";
import { type WrittenPackage, writePackage } from "../../offline-kit/mirror/apk-package.ts";
import type { SigningKey } from "../../offline-kit/mirror/signing.ts";
import { temporaryFolder } from "./temporary.ts";

/** A key of 1024 bits for speed: 4096 bits take seconds. */
export function throwawayKey(name = "throwaway.rsa.pub"): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
  return { name, privateKey, publicPem: publicKey.export({ type: "spki", format: "pem" }).toString() };
}

export const trusting = (...keys: SigningKey[]): TrustedKeys =>
  new Map(keys.map((key) => [key.name, key.publicPem]));

export interface PackageParts {
  name: string;
  version?: string;
  depends?: string[];
  provides?: string[];
  /** @default x86_64 */
  architecture?: string;
  /** Path to content. */
  files?: Record<string, string>;
}

export function testPackage(parts: PackageParts, key: SigningKey): Promise<WrittenPackage> {
  const {
    name,
    version = "1.0-r0",
    depends = [],
    provides = [],
    architecture = "x86_64",
    files = { [`usr/share/${name}`]: name },
  } = parts;
  const info = {
    name,
    version,
    depends,
    provides,
    description: "for a test",
    url: "https://example.org",
    architecture,
    license: "MIT",
    origin: name,
    buildDate: 1_700_000_000,
    replaces: [],
    installIf: [],
    triggers: [],
  };
  const tree = Object.entries(files).map(([path, content]) => ({
    kind: "file" as const,
    path,
    mode: 0o644,
    uid: 0,
    gid: 0,
    content: Buffer.from(content),
  }));
  return writePackage({ info, scripts: {}, files: tree }, key);
}

export const testIndex = (packages: readonly WrittenPackage[], key: SigningKey): Promise<Buffer> =>
  writeIndex(packages, "test", key);

/** A package's checksum in the index. */
export const checksumOf = (written: WrittenPackage): string => `Q1${written.identity.toString("base64")}`;

/** The same bytes with one byte inverted. */
export function flipped(bytes: Buffer, offset: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[offset] = bytes[offset]! ^ 0xff;
  return changed;
}

/** The offset of each gzip member of an archive. */
export function memberOffsets(archive: Buffer): number[] {
  let offset = 0;
  return gzipMembers(archive).map((member) => {
    const start = offset;
    offset += member.length;
    return start;
  });
}

export interface TestMirror {
  /** The folder to serve, or to name in a mirror's `file://` URL. */
  folder: string;
  keyFile: string;
  /** The declared URL of its only repository. */
  declaredUrl: string;
  /** Path of a package in the folder, with a leading slash. */
  pathOf(name: string): string;
  /** Path of the index in the folder, with a leading slash. */
  indexPath: string;
}

/** A mirror with one repository, `v9.9/main` for x86_64. The contents of its packages differ from every other mirror's. */
export async function testMirror(
  packages: readonly PackageParts[],
  key = throwawayKey(),
): Promise<TestMirror> {
  const folder = temporaryFolder();
  const unique = createHash("sha256").update(folder).digest("hex");
  const written = await Promise.all(
    packages.map((parts) => testPackage({ ...parts, files: { ...parts.files, unique } }, key)),
  );
  const repository = "/v9.9/main/x86_64";
  const put = (path: string, bytes: Buffer | string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  };
  put(`${repository}/APKINDEX.tar.gz`, await testIndex(written, key));
  for (const { fileName, bytes } of written) put(`${repository}/${fileName}`, bytes);
  put(`/keys/${key.name}`, key.publicPem);
  return {
    folder,
    keyFile: join(folder, "keys", key.name),
    declaredUrl: `${officialMirrorUrl}/v9.9/main`,
    pathOf(name) {
      const found = written.find(({ info }) => info.name === name);
      if (found === undefined) throw new Error(`the test mirror has no package ${name}`);
      return `${repository}/${found.fileName}`;
    },
    indexPath: `${repository}/APKINDEX.tar.gz`,
  };
}

/** All gzip members of an archive. */
export const gzipMembers = (archive: Buffer): Buffer[] => splitMembers(archive, Infinity);
