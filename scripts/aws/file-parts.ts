/** A file as S3 takes it: in parts, each with its SHA-256. */
import { createHash, type Hash } from "node:crypto";
import { open } from "node:fs/promises";

export interface FilePart {
  /** From 1 on. */
  number: number;
  bytes: Buffer;
  /** SHA-256 in base64, as S3 has it. */
  sha256: string;
}

/** S3 takes 10,000 parts at most, and none but the last under 5 MiB. */
const maximumParts = 10_000;
const usualPartSize = 8 * 2 ** 20;

/**
 * Bytes of all parts but the last. It follows from the file's size alone: objects are recognised by the checksum of their
 * parts' checksums, so another size would be another checksum.
 */
export function partSizeOf(fileSize: number): number {
  const needed = Math.ceil(fileSize / maximumParts / 2 ** 20) * 2 ** 20;
  return Math.max(usualPartSize, needed);
}

/**
 * The parts in order.
 * @param whole is fed with all that is read
 */
export async function* readParts(file: string, fileSize: number, whole?: Hash): AsyncGenerator<FilePart> {
  const partSize = partSizeOf(fileSize);
  const handle = await open(file);
  try {
    for (let number = 1; (number - 1) * partSize < fileSize; number += 1) {
      const position = (number - 1) * partSize;
      const bytes = Buffer.allocUnsafeSlow(Math.min(partSize, fileSize - position));
      let read = 0;
      while (read < bytes.length) {
        const { bytesRead } = await handle.read(bytes, read, bytes.length - read, position + read);
        if (bytesRead === 0) throw new Error(`${file} became shorter while it was read`);
        read += bytesRead;
      }
      whole?.update(bytes);
      yield { number, bytes, sha256: createHash("sha256").update(bytes).digest("base64") };
    }
  } finally {
    await handle.close();
  }
}

/** What S3 calls the composite checksum: that of the parts' checksums. */
export function compositeChecksum(sha256s: readonly string[]): string {
  const hash = createHash("sha256");
  for (const sha256 of sha256s) hash.update(sha256, "base64");
  return hash.digest("base64");
}
