import { instanceUuid, type Machine, smbios } from "../../src/boot-test/machine.ts";
import type { Variant } from "../../src/configuration/variant.ts";

/**
 * A machine like a Nitro instance. Sources: "docs" is EC2's documentation of its instances, "ds" is what cloud-init's
 * DataSourceEc2.py compares.
 */
export function awsMachine({ arch }: Pick<Variant, "arch">): Machine {
  return {
    controllers: [],
    // docs: EBS volumes are NVMe on every Nitro instance.
    disk: "nvme,serial=vol0a1b1c0de0a1b1c0d",
    // docs: the network card is ENA, which QEMU lacks. e1000e is the nearest plain PCIe card with a driver of its own.
    network: "e1000e,romfile=",
    // ds: a UUID that begins with ec2.
    smbios: [
      smbios(0, { vendor: "Amazon EC2", version: "1.0" }),
      smbios(1, { manufacturer: "Amazon EC2", product: "m7i.large", serial: instanceUuid }),
      smbios(3, { manufacturer: "Amazon EC2", asset: "Amazon EC2" }),
    ],
    // docs: the serial console of Graviton instances is a PCI one, ttyS0.
    serialPorts: arch === "aarch64" ? ["pci-serial"] : [],
  };
}
