/** The storage of images: a folder, so far. */
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
 * A folder with images. Each file belongs to the step that stored it last: a token, in a hidden file beside it, tells a later
 * delete whether the file still belongs to its step.
 */
export interface Storage {
  readonly url: string;
  /** Stores a local file under a name, with `NAME.sha512`. */
  storeFile(name: string, localFile: string, sha512: string, token: string): Promise<void>;
  /** Stores a text under a name, with `NAME.sha512`. */
  storeText(name: string, text: string, sha512: string, token: string): Promise<void>;
  /** Copies a stored file to a local one, if it exists and has this checksum. Returns whether it did. */
  fetchFile(name: string, localFile: string, sha512: string): Promise<boolean>;
  /** Removes a file and its `.sha512`, if it still belongs to this token. Returns whether it did. */
  remove(name: string, token: string): Promise<boolean>;
}

/** Opens the storage at a URL. Only `file://` is supported so far. */
export function openStorage(url: string): Storage {
  const folder = localPath(url);
  if (folder === undefined) {
    throw new UserError(
      "storage-unsupported",
      `storage ${url} is not supported`,
      "set the stack's storageUrl to file:///FOLDER, or to file://FOLDER for a folder below the project",
      { where: url },
    );
  }
  return fileStorage(url, folder);
}

function fileStorage(url: string, folder: string): Storage {
  const place = (name: string): string => path.join(folder, name);
  const owner = (name: string): string => place(`.${name}.owner`);

  /** Puts a file, its checksum and its owner in place. Writes under unfinished names first: the disk may be full. */
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
      // The owner comes first, because a file without an owner would never be removed. The file comes last, so that it is
      // never there without its checksum.
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
              `${localFile} changed while it was being stored`,
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

/** A local file that is stored under its own name. */
export interface LocalFile {
  file: string;
  sha512: string;
}

/** Stores files in order. If one fails, the files stored before it are removed. */
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

/** Removes files that still belong to this token, and reports the others. */
export async function removeAll(url: string, names: readonly string[], token: string): Promise<void> {
  const storage = openStorage(url);
  for (const name of names) {
    if (await storage.remove(name, token)) continue;
    process.stderr.write(`${url}/${name}: no longer what this resource stored, left alone\n`);
  }
}

type Part = "file" | "sha512" | "owner";

/** Removes unfinished files of a name, from this run or a killed one. Only one run at a time stores a name. */
function removeUnfinished(folder: string, name: string): void {
  for (const entry of readdirSync(folder)) {
    const rest = entry.startsWith(`.${name}.`) ? entry.slice(name.length + 2) : "";
    if (/^(file|sha512|owner)\.\d+\.part$/.test(rest)) rmSync(path.join(folder, entry), { force: true });
  }
}

function isFile(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true;
}

/** Reports a folder that is not writable as a UserError. */
async function explained<T>(url: string, name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!["EACCES", "EEXIST", "EISDIR", "ENOTDIR", "EPERM", "EROFS"].includes(code)) throw error;
    throw new UserError(
      "storage-unwritable",
      `cannot store ${name} in ${url}: ${(error as Error).message}`,
      "set the stack's storageUrl to a folder that exists or can be created, and is writable",
      { where: `${url}/${name}`, cause: error },
    );
  }
}

/**
 * Removes a folder below `below` and its parents, as long as they are empty. Folders elsewhere are left to their owners.
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
