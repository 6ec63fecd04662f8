/** Loop devices: files as block devices. */
import { closeSync, openSync } from "node:fs";
import { execa } from "execa";

/**
 * Attaches a file to a free loop device while `work` runs. The kernel detaches it when nobody has it open any more, so it is
 * detached even if this process is killed.
 */
export async function withLoopDevice<T>(file: string, work: (device: string) => Promise<T>): Promise<T> {
  const { stdout: device } = await execa("losetup", ["--find", "--show", file]);
  const descriptor = openSync(device, "r");
  try {
    // Takes effect when the last one closes the device.
    await execa("losetup", ["--detach", device]);
    return await work(device);
  } finally {
    closeSync(descriptor);
  }
}
