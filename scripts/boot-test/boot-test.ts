import { copyFileSync, mkdirSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import ssh2 from "ssh2";
import type { Variant } from "../../configs/variant.ts";
import type { BuiltImage } from "../build/build-disk.ts";
import type { Progress } from "../build/progress.ts";
import { type Architecture, consoleTail, optionValue, startGuest } from "../build/qemu.ts";
import { UserError } from "../lib/user-error.ts";
import { scratchFolder } from "../lib/workspace.ts";
import { findUefiFirmware } from "./firmware.ts";
import { type Check, expectedServices, judge, parseFacts } from "./judge.ts";
import { seedArguments } from "./seed.ts";
import { runOverSsh, SshError } from "./ssh.ts";

/** What a boot test found; part of an image's outputs. */
export interface BootTestResult {
  /** Seconds until the guest had proved everything. */
  seconds: number;
  checks: Check[];
}

/** MiB that the disk is larger than its image, so that a root filesystem that does not grow is noticed. */
const growthMib = 512;

/** Seconds for the whole test: an emulated machine takes half a minute, on a busy host several. */
const defaultDeadlineSeconds = 480;

/**
 * Boots a finished image with its own firmware, on a throwaway overlay of its disk and fresh firmware variables, and
 * lets it prove over SSH that it is what its variant declares.
 * @throws UserError with the console's last 40 lines when it does not
 */
export async function bootTest(
  variant: Variant,
  image: Pick<BuiltImage, "file" | "kernel" | "diskSizeMib" | "accelerator">,
  progress: Progress,
  deadlineSeconds = defaultDeadlineSeconds,
): Promise<BootTestResult> {
  progress.phase("boot test", 95);
  const start = performance.now();
  const scratch = scratchFolder("boot");
  const consoleLog = path.join(path.dirname(image.file), `${variant.name}.boot.log`);
  rmSync(consoleLog, { force: true });
  const key = ssh2.utils.generateKeyPairSync("ed25519");
  const hostname = `test-${variant.revision}-${variant.firmware}`;
  const diskMib = image.diskSizeMib + growthMib;
  try {
    const port = await freePort();
    const guest = await startGuest({
      arch: variant.arch,
      accelerator: image.accelerator,
      memoryMib: 512,
      consoleLog,
      scratch,
      arguments: [
        ...(variant.firmware === "uefi" ? uefiArguments(variant.arch, scratch) : []),
        ...(await overlayDisk(image.file, diskMib, scratch)),
        ...seedArguments(
          { instanceId: `${variant.imageKey}-r${variant.revision}`, hostname, sshPublicKey: key.public },
          path.join(scratch, "seed"),
        ),
        ...["-netdev", `user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:${port}-:22`],
        ...["-device", "virtio-net-pci,netdev=net,romfile="],
      ],
    });
    let ended: string | undefined;
    void guest.ended.then(({ exitCode, stderr }) => {
      ended = `QEMU ended (exit code ${exitCode ?? "none: killed"}${stderr === "" ? "" : `: ${stderr}`})`;
    });
    try {
      const deadline = start + deadlineSeconds * 1000;
      const facts = await askGuest(variant, { port, privateKey: key.private }, deadline, () => ended);
      const checks = judge(variant, { hostname, kernel: image.kernel, diskMib }, facts);
      const failed = checks.filter((check) => !check.passed);
      if (failed.length > 0) {
        const list = failed.map((check) => `${check.name}: ${check.found}`).join("; ");
        throw bootError(variant, `failed ${failed.length} of ${checks.length} checks: ${list}`, consoleLog);
      }
      return { seconds: Math.round((performance.now() - start) / 100) / 10, checks };
    } catch (error) {
      if (!(error instanceof SshError)) throw error;
      throw bootError(variant, `did not prove itself over SSH (${error.message})`, consoleLog);
    } finally {
      guest.kill();
      await guest.ended;
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function bootError(variant: Variant, what: string, consoleLog: string): UserError {
  return new UserError(
    `boot test of ${variant.name} ${what}`,
    `the console's last lines (all of it: ${consoleLog}):\n${consoleTail(consoleLog)}`,
  );
}

/** Tries until the guest answers, then runs boot-check in it. */
async function askGuest(
  variant: Variant,
  guest: { port: number; privateKey: string },
  deadline: number,
  ended: () => string | undefined,
): Promise<Map<string, string>> {
  const script = readFileSync(path.join(import.meta.dirname, "boot-check"));
  const command = `sh -s -- ${expectedServices(variant).join(" ")}`;
  let last = "no try yet";
  while (performance.now() < deadline) {
    const reason = ended();
    if (reason !== undefined) throw new SshError(reason);
    try {
      const { stdout, stderr, exitCode } = await runOverSsh(
        {
          host: "127.0.0.1",
          port: guest.port,
          username: variant.login,
          privateKey: guest.privateKey,
          readyTimeout: Math.min(20_000, Math.max(1_000, deadline - performance.now())),
          // A throwaway guest on loopback, known by nothing but the key we gave it.
          hostVerifier: () => true,
        },
        command,
        script,
      );
      if (exitCode === 0) return parseFacts(stdout);
      last = `boot-check ended with exit code ${exitCode}: ${stderr.trim()}`;
    } catch (error) {
      if (!(error instanceof SshError)) throw error;
      last = error.message;
    }
    await sleep(300);
  }
  throw new SshError(`deadline passed; last try: ${last}`);
}

/** The published file is never booted itself: a throwaway overlay takes the writes, on a disk that is larger. */
async function overlayDisk(image: string, diskMib: number, scratch: string): Promise<string[]> {
  const overlay = path.join(scratch, "overlay.qcow2");
  const format = path.extname(image) === ".qcow2" ? "qcow2" : "raw";
  await execa("qemu-img", ["create", "-q", "-f", "qcow2", "-b", image, "-F", format, overlay, `${diskMib}M`]);
  return [
    ...["-drive", `if=none,id=disk,format=qcow2,cache=unsafe,file=${optionValue(overlay)}`],
    ...["-device", "virtio-blk-pci,drive=disk,bootindex=0"],
  ];
}

function uefiArguments(arch: Architecture, scratch: string): string[] {
  const firmware = findUefiFirmware(arch);
  const variables = path.join(scratch, "variables.fd");
  mkdirSync(scratch, { recursive: true });
  copyFileSync(firmware.variables, variables);
  let code = firmware.code;
  if (arch === "aarch64") {
    // QEMU's virt machine wants both flash images 64 MiB long; some distributions ship them unpadded.
    code = path.join(scratch, "code.fd");
    copyFileSync(firmware.code, code);
    for (const file of [code, variables]) truncateSync(file, 64 << 20);
  }
  return [
    ...["-drive", `if=pflash,format=raw,unit=0,readonly=on,file=${optionValue(code)}`],
    ...["-drive", `if=pflash,format=raw,unit=1,file=${optionValue(variables)}`],
  ];
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
