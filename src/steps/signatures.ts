import { randomBytes } from "node:crypto";
import { rmSync, statSync, symlinkSync } from "node:fs";
import path from "node:path";
import { execa, type ExecaError, parseCommandString } from "execa";
import { digestOfFile } from "../lib/digest.ts";
import { type LocalFile, openStorage, removeAll, storeAll } from "../storage/storage.ts";
import { UserError } from "../lib/user-error.ts";
import { scratchFolder } from "../lib/workspace.ts";
import { type ArtifactResult, ensureBuilt, storedFiles } from "./artifact.ts";
import type { DiskImageResult } from "./disk-image.ts";
import type { Step } from "./step.ts";

/** What the step gets from its component. */
export interface SignaturesInput {
  /** Undefined only where Pulumi left them out, and then nothing can be signed. */
  disk: DiskImageResult | undefined;
  artifact: ArtifactResult | undefined;
  /**
   * Signs `{file}` into `{file}.asc`: words with spaces between them, and a backslash before a space that is part of one. No shell
   * reads them. Keys are for the program to find, in an agent or a card: what is in here is in the stack's state.
   */
  command: string;
}

/** Which signatures are in storage. */
export interface SignaturesResult {
  token: string;
  /** The storage's URL. */
  folder: string;
  /** Names of the signatures, each of a file that is called the same without its `.asc`. */
  names: string[];
  /** ISO 8601, UTC. */
  signed: string;
}

/** Somebody may have to type a passphrase, or touch a key. */
const deadlineMinutes = 15;

/** Signs an image and what describes it, each into a `.asc` of its own beside it. */
export const signaturesStep: Step<SignaturesInput, SignaturesResult> = {
  async create({ disk, artifact, command }) {
    if (disk === undefined || artifact === undefined) {
      throw new UserError(
        "step-input-missing",
        "there is no stored image to sign",
        "run `pulumi up` without --target, or target its artifact too",
      );
    }
    const token = randomBytes(8).toString("hex");
    const built = [disk, ...Object.values(disk.documents ?? {})];
    const scratch = scratchFolder("sign");
    try {
      const signatures: LocalFile[] = [];
      // All are signed before any is stored: a key that is taken away half-way leaves nothing half.
      for (const { name } of storedFiles(artifact)) {
        const file = built.find((one) => path.basename(one.file) === name);
        if (file === undefined) throw new Error(`${name} is stored and was never built`);
        const link = path.join(scratch, name);
        symlinkSync(await ensureBuilt(artifact.folder, file), link);
        await sign(command, link);
        signatures.push({ file: `${link}.asc`, sha512: await digestOfFile(`${link}.asc`, "sha512") });
      }
      await storeAll(openStorage(artifact.folder), signatures, token);
      const names = signatures.map(({ file }) => path.basename(file));
      return { token, folder: artifact.folder, names, signed: new Date().toISOString() };
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  },

  update: (_, previous) => Promise.resolve(previous),

  delete: (_, { folder, names, token }) => removeAll(folder, names, token),
};

/** @throws UserError where it fails, or leaves no signature */
async function sign(command: string, file: string): Promise<void> {
  const [program = "", ...words] = parseCommandString(command);
  const name = path.basename(file);
  const hint =
    "mend signingCommand in the layers, or give it its key; without signatures: sign in the stack's `disable`";
  try {
    await execa(
      program,
      words.map((word) => word.replaceAll("{file}", file)),
      { stdin: "ignore", timeout: deadlineMinutes * 60_000 },
    );
  } catch (error) {
    const { code, timedOut, exitCode, stderr } = error as ExecaError;
    if (code === "ENOENT")
      throw new UserError("tool-missing", `${program}, which is to sign ${name}, was not found`, hint, {
        where: program,
      });
    const how = timedOut
      ? `was not done after ${deadlineMinutes} minutes`
      : `failed with exit code ${exitCode}`;
    const said = String(stderr).trim().split("\n").slice(-5).join("\n");
    throw new UserError("signing-failed", `${program} ${how} at signing ${name}: ${said}`, hint, {
      where: name,
    });
  }
  const size = statSync(`${file}.asc`, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0)
    throw new UserError(
      "signing-failed",
      `${program} ended well and left no signature in ${name}.asc`,
      hint,
      { where: `${name}.asc` },
    );
}
