/**
 * Reads and verifies Alpine's v2 archives: concatenated gzip members, each a piece of one tar. An index is signature +
 * content, a package is signature + control + data. The signature covers the raw bytes that follow it. A package's
 * checksum in the index (`C:Q1…`) is the SHA-1 of its raw control member, which contains the SHA-256 of the raw data
 * member.
 */
import { createHash, createVerify } from "node:crypto";
import { Readable } from "node:stream";
import { gunzipSync, inflateRawSync, type Zlib } from "node:zlib";
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

/** No signature and no control part unpacks to more. */
const largestMember = 2 ** 24;

/**
 * The first raw gzip members of an archive, and after them everything that follows, unread: the hash of a package's data is
 * known, so it is not unpacked to find out where it ends.
 * @param count how many members to find; at most as many as the archive has
 */
export function splitMembers(archive: Buffer, count: number): Buffer[] {
  if (archive.subarray(0, 3).toString("latin1") === "ADB") {
    throw new ArchiveError("format", "it is an apk v3 database (ADB); only v2 (signed tar.gz) is supported");
  }
  const parts: Buffer[] = [];
  let rest = archive;
  while (parts.length < count && (rest.length > 0 || parts.length === 0)) {
    const length = memberLength(rest);
    parts.push(rest.subarray(0, length));
    rest = rest.subarray(length);
  }
  return rest.length > 0 ? [...parts, rest] : parts;
}

/** How long the gzip member is that bytes begin with (RFC 1952). */
function memberLength(bytes: Buffer): number {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) throw new ArchiveError("format", "it is not a gzip file");
  const flags = bytes[3] ?? 0;
  let at = 10;
  if ((flags & 4) !== 0) at += 2 + (bytes[at] ?? 0) + 256 * (bytes[at + 1] ?? 0);
  for (const text of [8, 16]) {
    if ((flags & text) === 0) continue;
    const end = bytes.indexOf(0, at);
    if (end < 0) throw new ArchiveError("format", "its compressed data is cut off");
    at = end + 1;
  }
  if ((flags & 2) !== 0) at += 2;
  try {
    const { engine } = inflateRawSync(bytes.subarray(at), {
      info: true,
      maxOutputLength: largestMember,
    }) as unknown as { engine: Zlib };
    const checksumAndLength = 8;
    return at + engine.bytesWritten + checksumAndLength;
  } catch (error) {
    throw new ArchiveError("format", `its compressed data is damaged (${(error as Error).message})`);
  }
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
  const [, control, data] = splitMembers(archive, 2);
  if (control === undefined || data === undefined) {
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
