/** QEMU's tool for files of disks. */
import { execa } from "execa";
import { fullDiskError, UserError } from "../lib/user-error.ts";

/**
 * Runs qemu-img.
 * @returns what it wrote
 * @throws UserError when it is not there, or fails, with what it said
 */
export async function qemuImg(command: string, ...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runQemuImg(command, ...args);
  if (exitCode === 0) return stdout;
  throw (
    fullDiskError(new Error(stderr)) ??
    new UserError(
      "tool-failed",
      `qemu-img ${command} failed: ${stderr || `exit code ${exitCode}`}`,
      "see whether the file is whole and can be read and written, and whether QEMU is new enough",
      { where: `qemu-img ${command}` },
    )
  );
}

/**
 * The same where a failure is an answer, too.
 * @throws UserError only when it is not there
 */
export async function runQemuImg(
  ...args: string[]
): Promise<{ exitCode: number | undefined; stdout: string; stderr: string }> {
  const result = await execa("qemu-img", args, { reject: false });
  if (result.code === "ENOENT")
    throw new UserError(
      "tool-missing",
      "qemu-img was not found",
      "npm run bootstrap installs it or says how: it comes with QEMU, in a package of its own on some systems",
      { where: "qemu-img" },
    );
  const { exitCode, stdout, stderr } = result;
  return { exitCode, stdout, stderr };
}
