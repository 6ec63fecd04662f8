/** The files of a root filesystem by their paths, and their content. */
import type { Ext4 } from "./ext4/filesystem.ts";
import type { Inode } from "./ext4/inode.ts";
import { turn, within } from "./within.ts";

/** Linux follows no more links on one path. */
const mostLinks = 40;
/** How many files to read before the event loop gets its turn. */
const filesPerTurn = 500;

/** Paths have no leading slash; the root itself is `.`. */
export class Tree {
  readonly inodes: ReadonlyMap<string, Inode>;
  readonly #filesystem: Ext4;

  private constructor(filesystem: Ext4, inodes: ReadonlyMap<string, Inode>) {
    this.#filesystem = filesystem;
    this.inodes = inodes;
  }

  /** Finds all files. @throws FormatError if a directory or an inode is damaged */
  static async of(filesystem: Ext4): Promise<Tree> {
    const inodes = new Map<string, Inode>();
    for (const { path, inode } of filesystem.walk()) {
      inodes.set(path, inode);
      if (inodes.size % filesPerTurn === 0) await turn();
    }
    return new Tree(filesystem, inodes);
  }

  /** The file that a path leads to inside of the tree, through links. Undefined if there is none, or something else. */
  file(path: string): Inode | undefined {
    const inode = this.inodes.get(this.#resolve(path) ?? "");
    return inode?.kind === "file" ? inode : undefined;
  }

  /** Paths of what is in a folder, which may be a link. Empty if there is no such folder. */
  inFolder(folder: string): string[] {
    const real = this.#resolve(folder);
    if (real === undefined) return [];
    const names = [...this.inodes.keys()].filter(
      (path) => path.startsWith(`${real}/`) && !path.includes("/", real.length + 1),
    );
    return names.map((path) => `${folder}${path.slice(real.length)}`).sort();
  }

  /**
   * The content of a file that a path leads to. Undefined if there is none.
   * @param limit bytes
   * @throws FormatError if it is larger, or damaged
   */
  async read(path: string, limit: number): Promise<Buffer | undefined> {
    const inode = this.file(path);
    if (inode === undefined) return undefined;
    await turn();
    return await within(`/${path}`, () => this.#filesystem.readFile(inode, limit));
  }

  /** The real path, without links. Undefined if something is missing on the way. */
  #resolve(path: string): string | undefined {
    let links = 0;
    let real = "";
    const words = path.split("/");
    for (let word = words.shift(); word !== undefined; word = words.shift()) {
      if (word === "" || word === ".") continue;
      if (word === "..") {
        real = real.includes("/") ? real.slice(0, real.lastIndexOf("/")) : "";
        continue;
      }
      const next = real === "" ? word : `${real}/${word}`;
      const inode = this.inodes.get(next);
      if (inode === undefined) return undefined;
      if (inode.kind !== "link") {
        if (inode.kind !== "folder" && words.length > 0) return undefined;
        real = next;
        continue;
      }
      links += 1;
      if (links > mostLinks) return undefined;
      const target = this.#filesystem.readLink(inode);
      if (target.startsWith("/")) real = "";
      words.unshift(...target.split("/"));
    }
    return real;
  }
}
