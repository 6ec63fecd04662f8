import { type Machine, smbios, virtioNet, virtioScsi } from "../../src/boot-test/machine.ts";
import type { Variant } from "../../src/configuration/variant.ts";

/**
 * A machine like Azure's. Sources: "docs" is Azure's documentation of its machines, "ds" is what cloud-init's
 * DataSourceAzure.py compares.
 */
export function azureMachine({ firmware }: Pick<Variant, "firmware">): Machine {
  // docs: generation 1 (BIOS) has an IDE controller and generation 2 (UEFI) a SCSI one. Both network cards are Hyper-V's
  // own, which QEMU lacks.
  const disk =
    firmware === "bios" ? { type: "pc", controllers: [], disk: "ide-hd,bus=ide.0" } : { ...virtioScsi };
  return {
    ...disk,
    network: virtioNet,
    // ds: the chassis' asset tag. Azure's manufacturer and product must be left out: if Linux's ata_piix sees them, it
    // leaves IDE disks to Hyper-V's driver, which finds none here.
    smbios: [smbios(3, { asset: "7783-7084-3265-9085-8269-3286-77" })],
    serialPorts: [],
  };
}
