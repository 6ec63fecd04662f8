/** Boots an image in QEMU the way its cloud would. */
import { copyFileSync, truncateSync } from "node:fs";
import path from "node:path";
import type { Variant } from "../configuration/variant.ts";
import { type Accelerator, type Architecture, type Guest, optionValue, startGuest } from "../builder/qemu.ts";
import { defined } from "../lib/defined.ts";
import { freePort } from "../lib/loopback.ts";
import { overlayDisk } from "./disk.ts";
import { findUefiFirmware } from "./firmware.ts";
import type { BootCloud } from "./boot-cloud.ts";
import { deviceArguments } from "./machine.ts";
import { type Answered, serveMetadata } from "./metadata/server.ts";
import type { Instance } from "./metadata/service.ts";
import { networkArguments } from "./network.ts";
import { seedArguments } from "./seed.ts";
import { serveDnsRelay } from "./dns-relay.ts";

/** An image to boot the way its cloud would. */
export interface BootSpecification {
  variant: Pick<Variant, "arch" | "firmware">;
  /** The image's cloud. */
  cloud: BootCloud;
  /** The image's file. */
  file: string;
  accelerator: Accelerator;
  /** What the instance learns from its cloud's metadata service, or from a seed if it has none. */
  instance: Instance;
  /** By how many MiB the disk is larger than the image. */
  growthMib: number;
  consoleLog: string;
  /** A socket to connect the console to as well, if any. */
  consoleSocket?: string;
  /** Port on this host's loopback that is forwarded to the guest's SSH. @default a free port */
  sshPort?: number;
  /** Folder for the overlay, the firmware's variables and the seed. The caller removes it. */
  scratch: string;
}

/** A booting guest and the services it uses. */
export interface BootedGuest {
  guest: Guest;
  sshPort: number;
  diskMib: number;
  /** Requests to its metadata services so far; undefined if it has a seed instead. */
  requests: readonly Answered[] | undefined;
  /** Stops QEMU and the services. */
  end(): Promise<void>;
}

/**
 * Boots an image with its own firmware on a machine like its cloud's, with a throwaway overlay of its disk and fresh
 * firmware variables. A metadata service like its cloud's, or a seed, tells it what it is.
 * @throws UserError if its format is unknown or its firmware is not installed
 */
export async function bootGuest(specification: BootSpecification): Promise<BootedGuest> {
  const { variant, cloud, instance, scratch } = specification;
  const machine = cloud.machine(variant);
  const disk = await overlayDisk(specification.file, specification.growthMib, scratch);
  const sshPort = specification.sshPort ?? (await freePort());
  const told = cloud.metadata?.(instance);
  const metadata = told === undefined ? undefined : await serveMetadata(told.services);
  const wire = await serveDnsRelay(told?.names ?? {});
  const endServices = async (): Promise<void> => {
    await metadata?.close();
    await wire.close();
  };
  try {
    const guest = await startGuest({
      arch: variant.arch,
      ...defined({ machine: machine.type }),
      accelerator: specification.accelerator,
      memoryMib: 512,
      consoleLog: specification.consoleLog,
      ...defined({ consoleSocket: specification.consoleSocket }),
      scratch,
      arguments: [
        ...(variant.firmware === "uefi" ? uefiArguments(variant.arch, scratch) : []),
        ...disk.arguments,
        ...networkArguments(sshPort, metadata?.ports ?? new Map(), wire.ports),
        ...deviceArguments(machine),
        ...(metadata === undefined ? seedArguments(instance, path.join(scratch, "seed")) : []),
      ],
    });
    return {
      guest,
      sshPort,
      diskMib: disk.sizeMib,
      requests: metadata?.requests,
      async end() {
        guest.kill();
        await guest.ended;
        await endServices();
      },
    };
  } catch (error) {
    await endServices();
    throw error;
  }
}

function uefiArguments(arch: Architecture, scratch: string): string[] {
  const firmware = findUefiFirmware(arch);
  const variables = path.join(scratch, "variables.fd");
  copyFileSync(firmware.variables, variables);
  let code = firmware.code;
  if (arch === "aarch64") {
    // QEMU's virt machine requires flash images of 64 MiB; some distributions ship them unpadded.
    code = path.join(scratch, "code.fd");
    copyFileSync(firmware.code, code);
    for (const file of [code, variables]) truncateSync(file, 64 << 20);
  }
  return [
    "-drive",
    `if=pflash,format=raw,unit=0,readonly=on,file=${optionValue(code)}`,
    "-drive",
    `if=pflash,format=raw,unit=1,file=${optionValue(variables)}`,
  ];
}
