import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { digestOfFile } from "../lib/digest.ts";
import { localPath } from "../lib/file-url.ts";
import { UserError } from "../lib/user-error.ts";
import { workFolder } from "../lib/workspace.ts";

/**
 * A folder in which images are stored. Each file belongs to the step that put it there last: a token, in a hidden file
 * beside it, tells a later delete whether the file is still its own.
 */
export interface Storage {
  readonly url: string;
  /** Stores a local file under a name, with its `NAME.sha512`. */
  storeFile(name: string, localFile: string, sha512: string, token: string): Promise<void>;
  /** Stores a text under a name, with its `NAME.sha512`. */
  storeText(name: string, text: string, sha512: string, token: string): Promise<void>;
  /** Copies a stored file to a local one, if it is there and has that checksum. */
  fetchFile(name: string, localFile: string, sha512: string): Promise<boolean>;
  /** Removes a name and its `.sha512` if the token is still its own. Says whether it did. */
  remove(name: string, token: string): Promise<boolean>;
}

/** The storage that a URL names. Only `file://` exists so far. */
export function openStorage(url: string): Storage {
  const folder = localPath(url);
  if (folder === undefined) {
    throw new UserError(
      "storage-unsupported",
      `storage ${url} is of a kind that is not supported`,
      "set the stack's storageUrl to file:///FOLDER, or file://FOLDER for one below the project",
      { where: url },
    );
  }
  return fileStorage(url, folder);
}

function fileStorage(url: string, folder: string): Storage {
  const place = (name: string): string => path.join(folder, name);
  const owner = (name: string): string => place(`.${name}.owner`);

  /** Puts a file, its checksum and its owner in place: everything that takes space first, under unfinished names. */
  async function put(
    name: string,
    sha512: string,
    token: string,
    write: (file: string) => void | Promise<void>,
  ): Promise<void> {
    mkdirSync(folder, { recursive: true });
    removeUnfinished(folder, name);
    const unfinished = (part: Part): string => place(`.${name}.${part}.${process.pid}.part`);
    try {
      await write(unfinished("file"));
      writeFileSync(unfinished("sha512"), `${sha512}  ${name}\n`);
      writeFileSync(unfinished("owner"), token);
      // The owner first: a file without one would be nobody's, and never removed. The file last: it is there whole,
      // with its checksum, or not at all.
      renameSync(unfinished("owner"), owner(name));
      renameSync(unfinished("sha512"), place(`${name}.sha512`));
      renameSync(unfinished("file"), place(name));
    } catch (error) {
      removeUnfinished(folder, name);
      if (!isFile(place(name))) {
        for (const file of [`${name}.sha512`, `.${name}.owner`].map(place)) if (isFile(file)) rmSync(file);
      }
      throw error;
    }
  }

  return {
    url,
    storeFile: (name, localFile, sha512, token) =>
      explained(url, name, () =>
        put(name, sha512, token, async (file) => {
          copyFileSync(localFile, file);
          if ((await digestOfFile(file, "sha512")) !== sha512)
            throw new UserError(
              "image-changed",
              `${localFile} changed while it was stored`,
              "build it again",
              { where: localFile },
            );
        }),
      ),
    storeText: (name, text, sha512, token) =>
      explained(url, name, () => put(name, sha512, token, (file) => writeFileSync(file, text))),
    async fetchFile(name, localFile, sha512) {
      if (!existsSync(place(name)) || (await digestOfFile(place(name), "sha512")) !== sha512) return false;
      const unfinished = `${localFile}.${process.pid}.part`;
      mkdirSync(path.dirname(localFile), { recursive: true });
      copyFileSync(place(name), unfinished);
      renameSync(unfinished, localFile);
      return true;
    },
    // eslint-disable-next-line @typescript-eslint/require-await
    async remove(name, token) {
      const current = existsSync(owner(name)) ? readFileSync(owner(name), "utf8") : undefined;
      if (current !== token) return false;
      for (const file of [place(`${name}.sha512`), place(name), owner(name)]) rmSync(file, { force: true });
      removeUnfinished(folder, name);
      removeEmptyFolders(folder);
      return true;
    },
  };
}

/** A local file, stored under its own name. */
export interface LocalFile {
  file: string;
  sha512: string;
}

/** Stores files in their order: all of them, or none is left that this token owns. */
export async function storeAll(storage: Storage, files: readonly LocalFile[], token: string): Promise<void> {
  const done: string[] = [];
  try {
    for (const { file, sha512 } of files) {
      const name = path.basename(file);
      await storage.storeFile(name, file, sha512, token);
      done.push(name);
    }
  } catch (error) {
    for (const name of done) await storage.remove(name, token);
    throw error;
  }
}

/** Removes files that are still what this token's owner stored, and says which are not. */
export async function removeAll(url: string, names: readonly string[], token: string): Promise<void> {
  const storage = openStorage(url);
  for (const name of names) {
    if (await storage.remove(name, token)) continue;
    process.stderr.write(`${url}/${name}: no longer what this resource stored, left alone\n`);
  }
}

type Part = "file" | "sha512" | "owner";

/** Removes what this run, or one that was killed, has begun to store under a name. One run at a time stores it. */
function removeUnfinished(folder: string, name: string): void {
  for (const entry of readdirSync(folder)) {
    const rest = entry.startsWith(`.${name}.`) ? entry.slice(name.length + 2) : "";
    if (/^(file|sha512|owner)\.\d+\.part$/.test(rest)) rmSync(path.join(folder, entry), { force: true });
  }
}

function isFile(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true;
}

/** A folder that cannot be written is for a person to see to. */
async function explained<T>(url: string, name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!["EACCES", "EEXIST", "EISDIR", "ENOTDIR", "EPERM", "EROFS"].includes(code)) throw error;
    throw new UserError(
      "storage-unwritable",
      `cannot store ${name} in ${url}: ${(error as Error).message}`,
      "the stack's storageUrl must name a folder that can be written, or made",
      { where: `${url}/${name}`, cause: error },
    );
  }
}

/**
 * Removes a folder below `below`, the project's work/, and those above it, as long as they are empty. Folders elsewhere are their
 * owners' to remove.
 */
export function removeEmptyFolders(folder: string, below = workFolder): void {
  for (let current = folder; current.startsWith(below + path.sep); current = path.dirname(current)) {
    try {
      rmdirSync(current);
    } catch {
      return;
    }
  }
}
