/** Describes virtual machines that look like a cloud's, as far as QEMU can. */
import { optionValue } from "../builder/qemu.ts";

/** The hardware that a cloud's machine presents to its guest, as far as QEMU can imitate it. */
export interface Machine {
  /** QEMU's machine type. @default the architecture's: see `machineArguments` */
  type?: string;
  /** Devices that the disk needs: its controller. */
  controllers: readonly string[];
  /** The disk device, without its `drive`. */
  disk: string;
  /** The network card, without its `netdev`. */
  network: string;
  /** SMBIOS tables, by which cloud-init and the image's own tools recognize the cloud. */
  smbios: readonly string[];
  /** Serial ports beyond the machine's own. */
  serialPorts: readonly string[];
}

/** The network card's address, which metadata services report. It is in QEMU's own range. */
export const macAddress = "52:54:00:a1:b1:00";

/** cloud-init recognizes AWS by the prefix `ec2`. Other clouds accept any UUID. */
export const instanceUuid = "ec2a1b1c-0de0-4000-8000-a1b1c0de0001";

/** A virtio network card without a boot ROM. Most clouds' cards are virtio or similar. */
export const virtioNet = "virtio-net-pci,romfile=";

/** A disk on a virtio SCSI controller. */
export const virtioScsi = { controllers: ["virtio-scsi-pci"], disk: "scsi-hd" };

/** QEMU's arguments for a machine's devices, with the drive `disk`, the network `net` and the console `console`. */
export function deviceArguments(machine: Machine): string[] {
  const devices = [
    ...machine.controllers,
    `${machine.disk},drive=disk,bootindex=0`,
    `${machine.network},netdev=net,mac=${macAddress}`,
    ...machine.serialPorts.map((port) => `${port},chardev=console`),
  ];
  return [
    ...devices.flatMap((device) => ["-device", device]),
    "-uuid",
    instanceUuid,
    ...machine.smbios.flatMap((table) => ["-smbios", table]),
  ];
}

/** An SMBIOS table as a QEMU option. @param type its number: 0 firmware, 1 system, 3 chassis */
export function smbios(type: number, fields: Record<string, string>): string {
  const values = Object.entries(fields).map(([name, value]) => `${name}=${optionValue(value)}`);
  return [`type=${type}`, ...values].join(",");
}
