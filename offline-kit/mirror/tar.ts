import { pack } from "tar-stream";
import { createHash } from "node:crypto";

/** One entry of a package's file tree. Paths are relative, without a leading slash. */
export type TreeEntry = {
  path: string;
  mode: number;
  uid: number;
  gid: number;
  /** Names of an owner whose number only the installing root knows (a pre-install script makes the account). */
  userName?: string;
  groupName?: string;
} & ({ kind: "directory" } | { kind: "file"; content: Buffer } | { kind: "symlink"; target: string });

/** What apk hashes for an entry: a file's content, or a symlink's target text. */
export function sha1OfEntry(entry: TreeEntry): Buffer | undefined {
  if (entry.kind === "file") return createHash("sha1").update(entry.content).digest();
  if (entry.kind === "symlink") return createHash("sha1").update(entry.target).digest();
  return undefined;
}

export interface TarOptions {
  /** Seconds since 1970 for every entry, so that the same tree gives the same bytes. */
  modified: number;
  /** Add apk's per-file checksum as a PAX record (data members have it, control members do not). */
  checksums?: boolean;
  /** Leave out the two closing zero blocks: members that another tar member follows must not end the archive. */
  unterminated?: boolean;
}

const typeOfKind = { directory: "directory", file: "file", symlink: "symlink" } as const;

/** Writes a tar archive of the entries, in the given order. */
export async function writeTar(entries: readonly TreeEntry[], options: TarOptions): Promise<Buffer> {
  const archive = pack();
  const chunks: Buffer[] = [];
  const done = new Promise<void>((resolve, reject) => {
    archive.on("data", (chunk) => chunks.push(chunk as Buffer));
    archive.on("end", resolve);
    archive.on("error", reject);
  });
  for (const entry of entries) {
    const hash = options.checksums === true ? sha1OfEntry(entry) : undefined;
    const header = {
      name: entry.path,
      type: typeOfKind[entry.kind],
      mode: entry.mode,
      uid: entry.uid,
      gid: entry.gid,
      // apk prefers names to numbers when the root knows the name; only root's is certain everywhere
      ...nameOf("uname", entry.userName ?? (entry.uid === 0 ? "root" : undefined)),
      ...nameOf("gname", entry.groupName ?? (entry.gid === 0 ? "root" : undefined)),
      mtime: new Date(options.modified * 1000),
      ...(entry.kind === "symlink" ? { linkname: entry.target } : {}),
      ...(hash === undefined ? {} : { pax: { "APK-TOOLS.checksum.SHA1": hash.toString("hex") } }),
    };
    archive.entry(header, entry.kind === "file" ? entry.content : Buffer.alloc(0));
  }
  archive.finalize();
  await done;
  const bytes = Buffer.concat(chunks);
  return options.unterminated === true ? bytes.subarray(0, bytes.length - 1024) : bytes;
}

const nameOf = (key: "uname" | "gname", name: string | undefined) =>
  name === undefined ? {} : { [key]: name };
