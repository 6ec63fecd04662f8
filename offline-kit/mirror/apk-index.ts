import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { signedMember, type SigningKey } from "./signing.ts";
import { writeTar, type TreeEntry } from "./tar.ts";
import type { WrittenPackage } from "./apk-package.ts";

const compress = promisify(gzip);

/** One package's paragraph in APKINDEX. */
export function indexEntry(written: WrittenPackage): string {
  const { info } = written;
  const lines: [string, string | number | undefined][] = [
    ["C", `Q1${written.identity.toString("base64")}`],
    ["P", info.name],
    ["V", info.version],
    ["A", info.architecture],
    ["S", written.bytes.length],
    ["I", written.installedSize],
    ["T", info.description],
    ["U", info.url],
    ["L", info.license],
    ["o", info.origin],
    ["m", info.maintainer],
    ["t", info.buildDate],
    ["c", info.commit],
    ["k", info.providerPriority],
    ["D", info.depends.join(" ")],
    ["p", info.provides.join(" ")],
    ["i", info.installIf.join(" ")],
  ];
  const known = lines.filter(([, value]) => value !== undefined && value !== "");
  return known.map(([key, value]) => `${key}:${String(value)}\n`).join("");
}

/** A signed APKINDEX.tar.gz of the packages. */
export async function writeIndex(
  packages: readonly WrittenPackage[],
  description: string,
  key: SigningKey,
): Promise<Buffer> {
  const modified = Math.max(0, ...packages.map(({ info }) => info.buildDate));
  const sorted = [...packages].sort((one, other) => (one.fileName < other.fileName ? -1 : 1));
  const text = sorted.map((written) => `${indexEntry(written)}\n`).join("");
  const members = await compress(
    await writeTar([indexFile("DESCRIPTION", description), indexFile("APKINDEX", text)], { modified }),
  );
  return Buffer.concat([await signedMember(members, key, modified), members]);
}

function indexFile(path: string, text: string): TreeEntry {
  return { kind: "file", path, mode: 0o644, uid: 0, gid: 0, content: Buffer.from(text) };
}
