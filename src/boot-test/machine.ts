/** A virtual machine as QEMU is made to look like a cloud's. */
import { optionValue } from "../builder/qemu.ts";

/** What a machine of a cloud shows its guest, as far as QEMU can be made to look like it. */
export interface Machine {
  /** QEMU's machine type. @default the architecture's own, see `machineArguments` */
  type?: string;
  /** Devices that must be there before the disk: its controller. */
  controllers: readonly string[];
  /** The device that shows the disk, without its `drive`. */
  disk: string;
  /** The network card, without its `netdev`. */
  network: string;
  /** SMBIOS tables, by which cloud-init (and the image's own tools) know where they are. */
  smbios: readonly string[];
  /** Serial ports beyond the machine's own. */
  serialPorts: readonly string[];
}

/** The card's address, which metadata services know. QEMU's own range. */
export const macAddress = "52:54:00:a1:b1:00";

/** `ec2` at its start is how cloud-init knows AWS; the others take it as it is. */
export const instanceUuid = "ec2a1b1c-0de0-4000-8000-a1b1c0de0001";

/** A virtio network card without a boot ROM: the cards of most clouds are virtio, or close to it. */
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

/** One SMBIOS table as QEMU takes it. @param type its number: 0 firmware, 1 system, 3 chassis */
export function smbios(type: number, fields: Record<string, string>): string {
  const values = Object.entries(fields).map(([name, value]) => `${name}=${optionValue(value)}`);
  return [`type=${type}`, ...values].join(",");
}
