import { type Machine, smbios, virtioNet, virtioScsi } from "../../src/boot-test/machine.ts";

/** A machine like Compute Engine's: by its documentation, persistent disks are virtio SCSI, and network cards virtio or gVNIC. */
export function gcpMachine(): Machine {
  return {
    ...virtioScsi,
    network: virtioNet,
    // cloud-init's DataSourceGCE.py compares the product's name.
    smbios: [
      smbios(1, {
        manufacturer: "Google",
        product: "Google Compute Engine",
        serial: "GoogleCloud-A1B1C0DE0A1B1C0DE0A1B1C0DE0A1B1C",
      }),
    ],
    serialPorts: [],
  };
}
