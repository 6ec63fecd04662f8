/** `assetPaths` and `archivePaths`: finds files that a command left by globs, like the real provider. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { assetArchive, fileAsset, type Properties, type Value } from "./property.ts";

/** The assets in `directory`, by relative path. */
export function globAssets(directory: string, globs: readonly string[]): Properties {
  const rules = globs.map((glob) => ({
    exclude: glob.startsWith("!"),
    pattern: globPattern(glob.replace(/^!/, "")),
  }));
  const chosen = filesBelow(directory).filter(
    (path) => rules.filter((rule) => rule.pattern.test(path)).at(-1)?.exclude === false,
  );
  return Object.fromEntries(
    chosen.map((path) => {
      const full = posix.join(directory, path);
      return [path, fileAsset(full, sha256(readFileSync(full)))];
    }),
  );
}

/** The archive of the same files. Its hash is that of a tar file that contains them. */
export function globArchive(directory: string, globs: readonly string[]): Value {
  const assets = globAssets(directory, globs);
  const blocks = Object.keys(assets)
    .sort()
    .flatMap((path) => {
      const content = readFileSync(posix.join(directory, path));
      return [tarHeader(path, content.length), content, Buffer.alloc((512 - (content.length % 512)) % 512)];
    });
  return assetArchive(assets, sha256(Buffer.concat([...blocks, Buffer.alloc(1024)])));
}

function filesBelow(directory: string, prefix = ""): string[] {
  return readdirSync(posix.join(directory, prefix), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = posix.join(prefix, entry.name);
      return entry.isDirectory() ? filesBelow(directory, path) : [path];
    });
}

function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

/**
 * The regular expression for a glob: `*` and `?` stop at `/`, `**` doesn't; `[abc]`, `[!a-z]`, `{one,two}` and
 * `\` work as in github.com/gobwas/glob.
 */
export function globPattern(glob: string): RegExp {
  let source = "";
  let depth = 0;
  for (let index = 0; index < glob.length; index += 1) {
    const character = glob.charAt(index);
    if (character === "*") {
      const any = glob.charAt(index + 1) === "*";
      while (glob.charAt(index + 1) === "*") index += 1;
      source += any ? "[^]*" : "[^/]*";
    } else if (character === "?") {
      source += "[^/]";
    } else if (character === "[") {
      const end = glob.indexOf("]", index + 2);
      if (end === -1) throw new Error(`unexpected end of input in glob ${glob}`);
      const set = glob.slice(index + 1, end);
      source += `[${set.replace(/^!/, "^").replace(/\\/g, "\\\\")}]`;
      index = end;
    } else if (character === "{") {
      depth += 1;
      source += "(?:";
    } else if (character === "}" && depth > 0) {
      depth -= 1;
      source += ")";
    } else if (character === "," && depth > 0) {
      source += "|";
    } else {
      if (character === "\\") index += 1;
      source += glob.charAt(index).replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
    }
  }
  return new RegExp(`^${source}$`, "u");
}

/** A ustar header with only name, mode 0600 and size, which the engine uses to hash archives. */
function tarHeader(name: string, size: number): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0, 100);
  const octal = (value: number, offset: number, width: number): void => {
    header.write(`${value.toString(8).padStart(width - 1, "0")}\0`, offset, width, "ascii");
  };
  octal(0o600, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  header.write("        ", 148, 8, "ascii");
  header.write("0", 156, 1, "ascii");
  header.write("ustar\u000000", 257, 8, "ascii");
  octal(0, 329, 8);
  octal(0, 337, 8);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, 8, "ascii");
  return header;
}
