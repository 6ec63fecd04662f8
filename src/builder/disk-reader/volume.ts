import { FormatError } from "../formats/format-error.ts";
import { readAt } from "../formats/read-at.ts";

/** What a read costs besides its bytes, in bytes: many small reads must not take longer than one large one. */
const costOfRead = 512;

/**
 * A part of a disk: a partition, or the whole. Everything on it is untrusted, so nothing outside of the part can be read,
 * and no more than a few times its size in total: structures that refer to each other over and over end with an error.
 */
export class Volume {
  /** Bytes. */
  readonly length: number;
  readonly #descriptor: number;
  readonly #start: number;
  /** How many bytes may still be read. */
  #budget: number;

  /**
   * @param descriptor the open disk
   * @param start bytes from the disk's start
   * @param length bytes
   */
  constructor(descriptor: number, start: number, length: number) {
    this.#descriptor = descriptor;
    this.#start = start;
    this.length = length;
    this.#budget = 4 * length + 2 ** 26;
  }

  /**
   * @param offset bytes from the volume's start
   * @param buffer reused if it is large enough
   * @throws FormatError if the range is not inside the volume, or if everything was read several times already
   */
  read(offset: number, length: number, buffer?: Buffer): Buffer {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.length))
      throw new FormatError(
        `bytes ${offset} to ${offset + length - 1} are outside of its ${this.length} bytes`,
      );
    this.spend(length + costOfRead);
    return readAt(this.#descriptor, this.#start + offset, length, buffer);
  }

  /** Counts bytes that were not read, but are worked on like read ones: holes of a file. */
  spend(bytes: number): void {
    this.#budget -= bytes;
    if (this.#budget < 0) throw new FormatError("its structures refer to the same blocks over and over");
  }
}
