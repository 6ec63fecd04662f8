/**
 * Reads and verifies Alpine's v2 archives: concatenated gzip members, each a piece of one tar. An index is signature +
 * content, a package is signature + control + data. The signature covers the raw bytes that follow it. A package's
 * checksum in the index (`C:Q1…`) is the SHA-1 of its raw control member, which contains the SHA-256 of the raw data
 * member.
 */
import { createHash, createVerify } from "node:crypto";
import { Readable } from "node:stream";
import { gunzipSync } from "node:zlib";
import { Gunzip } from "fflate";
import { extract, type Header } from "tar-stream";

/** One file of a tar, with its whole content. */
export interface TarFile {
  header: Header;
  content: Buffer;
}

/** Why an archive cannot be trusted. `message` says what was found; callers add where. */
export class ArchiveError extends Error {
  override readonly name = "ArchiveError";
  readonly code: "format" | "unsigned" | "unknown-key" | "signature" | "checksum";

  constructor(code: "format" | "unsigned" | "unknown-key" | "signature" | "checksum", message: string) {
    super(message);
    this.code = code;
  }
}

/** Public keys by the name that signatures use: `alpine-devel@lists.alpinelinux.org-6165ee59.rsa.pub`. */
export type TrustedKeys = ReadonlyMap<string, string>;

/** Bytes to unpack at a time when looking for the end of a member, so that a kernel package is never in memory unpacked. */
const sliceLength = 2 ** 18;

/** The raw gzip members of an archive. */
export function gzipMembers(archive: Buffer): Buffer[] {
  if (
    archive.subarray(0, 3).toString("latin1") === "ADB" ||
    archive.subarray(0, 4).toString("latin1") === "ADBd"
  ) {
    throw new ArchiveError("format", "it is an apk v3 database (ADB); only v2 (signed tar.gz) is supported");
  }
  if (archive[0] !== 0x1f || archive[1] !== 0x8b) {
    throw new ArchiveError("format", "it is not a gzip file");
  }
  const starts: number[] = [];
  const splitter = new Gunzip(() => {});
  splitter.onmember = (start) => starts.push(start);
  try {
    for (let at = 0; at < archive.length; at += sliceLength) {
      splitter.push(archive.subarray(at, at + sliceLength), at + sliceLength >= archive.length);
    }
  } catch (error) {
    throw new ArchiveError("format", `its compressed data is damaged (${(error as Error).message})`);
  }
  // fflate reports the first member only if a second one follows.
  const offsets = [0, ...starts.filter((start) => start > 0)];
  return offsets.map((start, index) => archive.subarray(start, offsets[index + 1] ?? archive.length));
}

/** The files of one gzip-compressed piece of a tar. */
export async function readTar(member: Buffer): Promise<TarFile[]> {
  let tar: Buffer;
  try {
    tar = gunzipSync(member);
  } catch (error) {
    throw new ArchiveError("format", `its compressed data is damaged (${(error as Error).message})`);
  }
  const files: TarFile[] = [];
  const reader = extract();
  Readable.from([tar]).pipe(reader);
  for await (const entry of reader) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    files.push({ header: entry.header, content: Buffer.concat(chunks) });
  }
  return files;
}

/**
 * Checks the signatures in the first member against everything that follows.
 * @returns the name of the key that signed it
 */
export async function verifySignature(members: readonly Buffer[], keys: TrustedKeys): Promise<string> {
  const [first, ...rest] = members;
  const signatures = first === undefined ? [] : await readTar(first);
  const named = signatures.flatMap(({ header, content }) => {
    const match = /^\.SIGN\.(RSA|RSA256|RSA512)\.(.+)$/.exec(header.name);
    return match ? [{ algorithm: match[1]!, key: match[2]!, signature: content }] : [];
  });
  if (named.length === 0) throw new ArchiveError("unsigned", "it has no signature");
  const known = named.find(({ key }) => keys.has(key));
  if (known === undefined) {
    throw new ArchiveError(
      "unknown-key",
      `it is signed with ${named.map(({ key }) => key).join(", ")}, which is not a trusted key`,
    );
  }
  const digest = { RSA: "RSA-SHA1", RSA256: "RSA-SHA256", RSA512: "RSA-SHA512" }[known.algorithm]!;
  const verifier = createVerify(digest);
  for (const member of rest) verifier.update(member);
  if (!verifier.verify(keys.get(known.key)!, known.signature)) {
    throw new ArchiveError("signature", `its signature by ${known.key} does not match its content`);
  }
  return known.key;
}

/**
 * Checks a package against its entry in a verified index: the control member by its checksum, the data by control.
 * @param checksum the index's `C:` value, `Q1` + base64 of a SHA-1
 * @returns the raw data member
 */
export async function verifyPackage(archive: Buffer, checksum: string): Promise<Buffer> {
  const [, control, data, ...more] = gzipMembers(archive);
  if (control === undefined || data === undefined || more.length > 0) {
    throw new ArchiveError("format", "it does not have the three parts of a package");
  }
  const found = `Q1${createHash("sha1").update(control).digest("base64")}`;
  if (found !== checksum) {
    throw new ArchiveError("checksum", `its checksum is ${found}, but the index says ${checksum}`);
  }
  const info = (await readTar(control)).find(({ header }) => header.name === ".PKGINFO");
  const declared = /^datahash = ([0-9a-f]{64})$/m.exec(info?.content.toString() ?? "")?.[1];
  const actual = createHash("sha256").update(data).digest("hex");
  if (declared !== actual) {
    throw new ArchiveError(
      "checksum",
      `its files have the hash ${actual}, but its signed part says ${declared ?? "none"}`,
    );
  }
  return data;
}
