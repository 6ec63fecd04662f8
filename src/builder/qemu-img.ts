/** Runs qemu-img, QEMU's tool for disk image files. */
import { execa } from "execa";
import { fullDiskError, UserError } from "../lib/user-error.ts";

/**
 * Runs qemu-img.
 * @returns its standard output
 * @throws UserError if it is not installed, or if it fails, with its error message
 */
export async function qemuImg(command: string, ...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runQemuImg(command, ...args);
  if (exitCode === 0) return stdout;
  throw (
    fullDiskError(new Error(stderr)) ??
    new UserError(
      "tool-failed",
      `qemu-img ${command} failed: ${stderr || `exit code ${exitCode}`}`,
      "check that the file is complete, readable and writable, and that QEMU is new enough",
      { where: `qemu-img ${command}` },
    )
  );
}

/**
 * The same, for callers that handle failures.
 * @throws UserError only if it is not installed
 */
export async function runQemuImg(
  ...args: string[]
): Promise<{ exitCode: number | undefined; stdout: string; stderr: string }> {
  const result = await execa("qemu-img", args, { reject: false });
  if (result.code === "ENOENT")
    throw new UserError(
      "tool-missing",
      "qemu-img not found",
      "npm run bootstrap installs it or says how; it comes with QEMU, on some systems in a separate package",
      { where: "qemu-img" },
    );
  const { exitCode, stdout, stderr } = result;
  return { exitCode, stdout, stderr };
}
