/** Directories of ext4. Their hash trees are hidden in unused entries, so all are read as lists. */
import { FormatError } from "../../formats/format-error.ts";
import { textOf } from "../text.ts";

/** Bytes of an entry before its name. */
const headerSize = 8;

export interface DirectoryEntry {
  name: string;
  inode: number;
  /** The type of what it names: see `Inode.directoryType`. */
  type: number;
}

/**
 * The entries in one block of a directory, with `.` and `..`.
 * @param inode the directory's, for messages
 * @throws FormatError if an entry does not fit the block, or has a name that no file can have
 */
export function* entriesIn(block: Buffer, inode: number): Generator<DirectoryEntry> {
  for (let at = 0; at < block.length;) {
    const fault = (what: string): FormatError =>
      new FormatError(`directory inode ${inode} has an entry at byte ${at} of a block that ${what}`);
    if (block.length - at < headerSize) throw fault("does not fit");
    const length = block.readUInt16LE(at + 4);
    const nameLength = block[at + 6]!;
    if (
      length < headerSize + 4 ||
      length % 4 !== 0 ||
      at + length > block.length ||
      headerSize + nameLength > length
    )
      throw fault(`has a length of ${length}, and a name of ${nameLength}`);
    const target = block.readUInt32LE(at);
    if (target !== 0) {
      const name = block.subarray(at + headerSize, at + headerSize + nameLength);
      if (nameLength === 0 || name.includes(0) || name.includes("/")) throw fault("has an invalid name");
      yield { name: textOf(name), inode: target, type: block[at + 7]! };
    }
    at += length;
  }
}
