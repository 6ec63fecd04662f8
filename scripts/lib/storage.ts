import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmdirSync, rmSync } from "node:fs";
import path from "node:path";
import { digestOfFile } from "./digest.ts";
import { writeFileAtomically } from "./atomic-file.ts";
import { localPath } from "./file-url.ts";
import { UserError } from "./user-error.ts";

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
      `storage ${url} is of a kind that is not supported`,
      "set the stack's storageUrl to file:///FOLDER, or file://FOLDER for one below the project",
    );
  }
  return fileStorage(url, folder);
}

function fileStorage(url: string, folder: string): Storage {
  const place = (name: string): string => path.join(folder, name);
  const owner = (name: string): string => place(`.${name}.owner`);
  const writeChecksum = (name: string, sha512: string): void =>
    writeFileAtomically(place(`${name}.sha512`), `${sha512}  ${name}\n`);
  return {
    url,
    async storeFile(name, localFile, sha512, token) {
      mkdirSync(folder, { recursive: true });
      const unfinished = place(`.${name}.${process.pid}.part`);
      try {
        copyFileSync(localFile, unfinished);
        const stored = await digestOfFile(unfinished, "sha512");
        if (stored !== sha512)
          throw new UserError(`${localFile} changed while it was stored`, "build it again");
        // The owner first: a file without one would be nobody's, and never removed.
        writeFileAtomically(owner(name), token);
        renameSync(unfinished, place(name));
      } finally {
        rmSync(unfinished, { force: true });
      }
      writeChecksum(name, sha512);
    },
    // eslint-disable-next-line @typescript-eslint/require-await
    async storeText(name, text, sha512, token) {
      writeFileAtomically(owner(name), token);
      writeFileAtomically(place(name), text);
      writeChecksum(name, sha512);
    },
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
      removeEmptyFolders(folder);
      return true;
    },
  };
}

/** Removes a folder and those above it as long as they are empty. */
export function removeEmptyFolders(folder: string): void {
  for (let current = folder; ; current = path.dirname(current)) {
    try {
      rmdirSync(current);
    } catch {
      return;
    }
  }
}
