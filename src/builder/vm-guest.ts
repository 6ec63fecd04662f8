/** Runs build guests in VMs, with QEMU. */
import { createReadStream, createWriteStream } from "node:fs";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { listenOnLoopback } from "../lib/loopback.ts";
import type { StartGuest } from "./guest-job.ts";
import { buildConsole, placeArchive } from "./job.ts";
import { type Architecture, openReportPort, optionValue, startGuest } from "./qemu.ts";

/**
 * The kernel runs unattended, so it must neither wait for randomness nor stay up after a panic. Hardening is off: only
 * root runs in a build guest, and hardening took a fifth of the time of an emulated build.
 */
const commonArguments =
  "quiet panic=-1 random.trust_cpu=on mitigations=off init_on_alloc=0 hardened_usercopy=off randomize_kstack_offset=off nokaslr";
const kernelArguments: Record<Architecture, string> = {
  // On an overloaded host, an emulated timer may not tick while the kernel checks it, and the kernel panics.
  x86_64: `${commonArguments} no_timer_check`,
  aarch64: commonArguments,
};

/** Where a VM finds the package proxy, in its own network. */
const proxyHost = "10.0.2.100";

/** Starts a job in a VM. */
export const startVmGuest: StartGuest<"vm"> = async (job, boot, proxy) => {
  const { scratch, consoleLog, disk, sharedDisk } = job;
  const proxyPort = await listenOnLoopback(proxy);
  const initrd = path.join(scratch, "initrd");
  const place = placeArchive(job.repositories, {
    proxy: `${proxyHost}:80`,
    disk: "/dev/vda",
    sharedDisk: "/dev/vdb",
  });
  await concatenate(boot.archive, [job.job, place], initrd);
  const report = await openReportPort(scratch);
  try {
    const guest = await startGuest({
      arch: boot.arch,
      accelerator: boot.accelerator,
      memoryMib: job.memoryMib ?? 1024,
      consoleLog,
      scratch,
      arguments: [
        ["-kernel", boot.kernel, "-initrd", initrd],
        ["-append", `console=${buildConsole[boot.arch]} ${kernelArguments[boot.arch]}`],
        disk === undefined ? [] : rawDisk("disk", disk),
        sharedDisk === undefined
          ? []
          : // QEMU's own locks would stop a guest from reading a disk that another guest still has open.
            rawDisk(
              "shared",
              sharedDisk.file,
              `file.locking=off,readonly=${sharedDisk.readOnly ? "on" : "off"},`,
            ),
        guestNetwork(proxyPort),
        report.arguments,
      ].flat(),
    });
    return { ...guest, lines: report.lines, close: () => report.close() };
  } catch (error) {
    report.close();
    throw error;
  }
};

function rawDisk(id: string, file: string, options = ""): string[] {
  return [
    "-drive",
    `if=none,id=${id},format=raw,cache=unsafe,discard=unmap,detect-zeroes=unmap,werror=report,${options}file.filename=${optionValue(file)}`,
    "-device",
    `virtio-blk-pci,drive=${id}`,
  ];
}

/** The guest's whole network: the proxy, forwarded to one address. `restrict` blocks everything else. */
export function guestNetwork(proxyPort: number): string[] {
  return [
    "-netdev",
    `user,id=net,restrict=on,${guestForward(proxyHost, proxyPort)}`,
    "-device",
    "virtio-net-pci,netdev=net,romfile=",
  ];
}

/** Forwards port 80 of an address in the guest to a port on this host's loopback: an option of QEMU's user network. */
export function guestForward(address: string, port: number): string {
  const program = `"${process.execPath}" "${path.join(import.meta.dirname, "stdio-to-tcp.mjs")}" ${port}`;
  return `guestfwd=tcp:${address}:80-cmd:${optionValue(program)}`;
}

/** Copies a file, followed by buffers. */
async function concatenate(file: string, buffers: readonly Buffer[], target: string): Promise<void> {
  const output = createWriteStream(target);
  await pipeline(createReadStream(file), output, { end: false });
  for (const buffer of buffers) output.write(buffer);
  await new Promise<void>((resolve, reject) => {
    output.once("error", reject);
    output.end(resolve);
  });
}
