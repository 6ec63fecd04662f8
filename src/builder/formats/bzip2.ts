/** Packs and unpacks with the bzip2 program: npm has no maintained bzip2 compressor. */
import { execa, type ExecaError } from "execa";
import { fullDiskError, UserError } from "../../lib/user-error.ts";

/** Compresses a file into another. */
export async function packBzip2(file: string, target: string): Promise<void> {
  try {
    await execa("bzip2", ["-c", file], {
      stdout: { file: target },
      buffer: { stdout: false },
    });
  } catch (error) {
    throw explained(error, target);
  }
}

/** The unpacked content of a file, in chunks. */
export async function* unpackBzip2(file: string): AsyncGenerator<Buffer> {
  try {
    const program = execa("bzip2", ["-dc", file], { encoding: "buffer", buffer: false });
    // Awaited below, after its output has ended.
    program.catch(() => {});
    yield* program.stdout as AsyncIterable<Buffer>;
    await program;
  } catch (error) {
    throw explained(error);
  }
}

function explained(error: unknown, target?: string): unknown {
  const { code, stderr } = error as ExecaError;
  if (code !== "ENOENT") return fullDiskError(new Error(String(stderr)), target) ?? error;
  return new UserError("tool-missing", "bzip2 not found", "npm run bootstrap installs it or says how", {
    where: "bzip2",
    cause: error,
  });
}
