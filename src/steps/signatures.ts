/** The step that signs an image and its documents. */
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

/** The step's input from its component. */
export interface SignaturesInput {
  /** Undefined only if Pulumi skipped them; then there is nothing to sign. */
  disk: DiskImageResult | undefined;
  artifact: ArtifactResult | undefined;
  /**
   * Signs `{file}` into `{file}.asc`. Words are separated by spaces; a backslash escapes a space. No shell runs. The command must
   * not contain a key, because it is in the stack's state: the program finds its key in an agent or on a card.
   */
  command: string;
}

/** The signatures in storage. */
export interface SignaturesResult {
  token: string;
  /** The storage's URL. */
  folder: string;
  /** Names of the signatures: each is the name of the signed file plus `.asc`. */
  names: string[];
  /** ISO 8601, UTC. */
  signed: string;
}

/** Long enough for a person to type a passphrase or touch a key. */
const deadlineMinutes = 15;

/** Signs an image and its documents, each into a `.asc` file beside it. */
export const signaturesStep: Step<SignaturesInput, SignaturesResult> = {
  async create({ disk, artifact, command }) {
    if (disk === undefined || artifact === undefined) {
      throw new UserError(
        "step-input-missing",
        "no stored image to sign",
        "run `pulumi up` without --target, or target its artifact too",
      );
    }
    const token = randomBytes(8).toString("hex");
    const built = [disk, ...Object.values(disk.documents ?? {})];
    const scratch = scratchFolder("sign");
    try {
      const signatures: LocalFile[] = [];
      // Sign everything before storing anything: removing the key half-way leaves no partial set.
      for (const { name } of storedFiles(artifact)) {
        const file = built.find((one) => path.basename(one.file) === name);
        if (file === undefined) throw new Error(`${name} is stored but was never built`);
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

/** @throws UserError if the command fails or leaves no signature */
async function sign(command: string, file: string): Promise<void> {
  const [program = "", ...words] = parseCommandString(command);
  const name = path.basename(file);
  const hint =
    "correct signingCommand in the layers, or provide its key; to skip signing, add sign to the stack's `disable`";
  try {
    await execa(
      program,
      words.map((word) => word.replaceAll("{file}", file)),
      { stdin: "ignore", timeout: deadlineMinutes * 60_000 },
    );
  } catch (error) {
    const { code, timedOut, exitCode, stderr } = error as ExecaError;
    if (code === "ENOENT")
      throw new UserError("tool-missing", `${program}, which signs ${name}, was not found`, hint, {
        where: program,
      });
    const how = timedOut ? `timed out after ${deadlineMinutes} minutes` : `failed with exit code ${exitCode}`;
    const said = String(stderr).trim().split("\n").slice(-5).join("\n");
    throw new UserError("signing-failed", `${program} ${how} while signing ${name}: ${said}`, hint, {
      where: name,
    });
  }
  const size = statSync(`${file}.asc`, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0)
    throw new UserError(
      "signing-failed",
      `${program} succeeded, but left no signature in ${name}.asc`,
      hint,
      { where: `${name}.asc` },
    );
}
