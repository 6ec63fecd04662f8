import type { Variant } from "../configuration/variant.ts";
import { optionValue } from "../builder/qemu.ts";
import { UserError } from "../lib/user-error.ts";

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

type Clouds = Record<string, (variant: Pick<Variant, "arch" | "firmware">) => Machine>;

const virtioNet = "virtio-net-pci,romfile=";
const virtioScsi = { controllers: ["virtio-scsi-pci"], disk: "scsi-hd" };
const plain: Machine = {
  controllers: [],
  disk: "virtio-blk-pci",
  network: virtioNet,
  smbios: [],
  serialPorts: [],
};

/**
 * Where each fact comes from: "ds" is what cloud-init's data source compares (cloudinit/sources/DataSource….py), "docs"
 * the cloud's own documentation of its machines.
 */
const machines: Clouds = {
  // docs: EBS volumes are NVMe on every Nitro instance. Its network card (ENA) is in no QEMU; e1000e is the nearest one
  // that is a plain PCIe card with a driver of its own. ds: a UUID that begins with ec2. docs: the serial console of
  // Graviton instances is a PCI one, ttyS0.
  aws: ({ arch }) => ({
    controllers: [],
    disk: "nvme,serial=vol0a1b1c0de0a1b1c0d",
    network: "e1000e,romfile=",
    smbios: [
      smbios(0, { vendor: "Amazon EC2", version: "1.0" }),
      smbios(1, { manufacturer: "Amazon EC2", product: "m7i.large", serial: instanceUuid }),
      smbios(3, { manufacturer: "Amazon EC2", asset: "Amazon EC2" }),
    ],
    serialPorts: arch === "aarch64" ? ["pci-serial"] : [],
  }),

  // docs: generation 1 (BIOS) has an IDE controller and generation 2 (UEFI) a SCSI one; both network cards are Hyper-V's
  // own, which QEMU has not. ds: the chassis' asset tag. The manufacturer and product of Azure's machines must be left out:
  // by these, Linux's ata_piix leaves IDE disks to Hyper-V's own driver, which finds none here.
  azure: ({ firmware }) => ({
    ...(firmware === "bios" ? { type: "pc", controllers: [], disk: "ide-hd,bus=ide.0" } : virtioScsi),
    network: virtioNet,
    smbios: [smbios(3, { asset: "7783-7084-3265-9085-8269-3286-77" })],
    serialPorts: [],
  }),

  // docs: persistent disks are virtio SCSI, cards virtio or gVNIC. ds: the product's name.
  gcp: () => ({
    ...virtioScsi,
    network: virtioNet,
    smbios: [
      smbios(1, {
        manufacturer: "Google",
        product: "Google Compute Engine",
        serial: "GoogleCloud-A1B1C0DE0A1B1C0DE0A1B1C0DE0A1B1C",
      }),
    ],
    serialPorts: [],
  }),

  // docs: paravirtualized launch mode is KVM's virtio, boot volumes by virtio SCSI. ds: the chassis' asset tag.
  oci: () => ({
    ...virtioScsi,
    network: virtioNet,
    smbios: [smbios(3, { asset: "OracleCloud.com" })],
    serialPorts: [],
  }),

  // The plainest: whoever boots an image of no cloud at home has this.
  nocloud: () => plain,
};

/**
 * The machine that an image is booted on.
 * @throws UserError when its cloud is not in the table
 */
export function machineFor(variant: Pick<Variant, "arch" | "firmware" | "cloud">): Machine {
  const machine = machines[variant.cloud];
  if (machine !== undefined) return machine(variant);
  throw new UserError(
    "boot-machine-unknown",
    `no machine is known on which an image of cloud '${variant.cloud}' could be booted`,
    `add it to the table in src/boot-test/machines.ts, which has ${Object.keys(machines).join(", ")}`,
    { where: `cloud ${variant.cloud}` },
  );
}

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

function smbios(type: number, fields: Record<string, string>): string {
  const values = Object.entries(fields).map(([name, value]) => `${name}=${optionValue(value)}`);
  return [`type=${type}`, ...values].join(",");
}
