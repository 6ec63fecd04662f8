/** Reads APKINDEX, the list of a repository's packages, and resolves dependencies for build guests. */
import { type TrustedKeys, ArchiveError, readTar, splitMembers, verifySignature } from "./apk-archive.ts";

/** A package as a repository's APKINDEX describes it. */
export interface IndexEntry {
  name: string;
  /** `6.18.56-r0` */
  version: string;
  arch: string;
  /** `Q1` + base64 of the SHA-1 of the package's control member. */
  checksum: string;
  /** Bytes of the .apk file. */
  size: number;
  /** When it was built, in seconds of Unix time; 0 if the index does not say. */
  buildTime: number;
  /** What it needs, as written: `so:libc.musl-x86_64.so.1`, `musl>=1.2`, `!other`. */
  depends: string[];
  /** What it offers besides its name, without versions: `so:libapk.so.3.0.0`, `cmd:apk`. */
  provides: string[];
}

/** Reads a signed APKINDEX.tar.gz after checking its signature. Throws ArchiveError. */
export async function readIndex(archive: Buffer, keys: TrustedKeys): Promise<IndexEntry[]> {
  const members = splitMembers(archive, 1);
  await verifySignature(members, keys);
  const files = await readTar(members[1] ?? Buffer.alloc(0));
  const index = files.find(({ header }) => header.name === "APKINDEX");
  if (index === undefined) throw new ArchiveError("format", "it contains no APKINDEX file");
  return parseIndex(index.content.toString());
}

/** Parses APKINDEX text: blocks of `K:value` lines separated by blank lines (apk-tools' apk-package(5)). */
export function parseIndex(text: string): IndexEntry[] {
  return text
    .split(/\n\n+/)
    .filter((block) => block.trim() !== "")
    .map((block) => {
      const fields = new Map(block.split("\n").map((line) => [line.slice(0, 1), line.slice(2)]));
      const words = (key: string): string[] =>
        (fields.get(key) ?? "").split(" ").filter((word) => word !== "");
      return {
        name: fields.get("P") ?? "",
        version: fields.get("V") ?? "",
        arch: fields.get("A") ?? "",
        checksum: fields.get("C") ?? "",
        size: Number(fields.get("S") ?? 0),
        buildTime: Number(fields.get("t") ?? 0),
        depends: words("D"),
        provides: words("p").map(withoutVersion),
      };
    });
}

/**
 * The packages that `roots` need, including `roots`, in the order found. Only for the short list that a build guest
 * starts from: ignores conflicts and install_if, and if several packages provide a name, `providers` must choose one.
 */
export function resolveDependencies(
  entries: readonly IndexEntry[],
  roots: readonly string[],
  providers: Readonly<Record<string, string>>,
): IndexEntry[] {
  const chosen = new Map<string, IndexEntry>();
  const visit = (need: string, askedBy: string): void => {
    if (need.startsWith("!")) return;
    const name = withoutVersion(need);
    const wanted = providers[name] ?? name;
    const candidates = [
      ...entries.filter((entry) => entry.name === wanted),
      ...entries.filter((entry) => entry.name !== wanted && entry.provides.includes(wanted)),
    ];
    const [first, second] = candidates;
    if (first === undefined) throw new Error(`no package provides ${need}, which ${askedBy} needs`);
    if (first.name !== wanted && second !== undefined) {
      const names = candidates.map((entry) => entry.name).join(", ");
      throw new Error(
        `${need}, which ${askedBy} needs, is provided by several packages (${names}): choose one`,
      );
    }
    if (chosen.has(first.name)) return;
    chosen.set(first.name, first);
    for (const dependency of first.depends) visit(dependency, first.name);
  };
  for (const root of roots) visit(root, "the build guest");
  return [...chosen.values()];
}

/** `so:libz.so.1=1.3.1` → `so:libz.so.1`; also for `>=`, `~` and the like. */
export function withoutVersion(dependency: string): string {
  return dependency.replace(/[<>=~].*$/, "");
}
