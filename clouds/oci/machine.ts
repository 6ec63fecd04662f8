import { type Machine, smbios, virtioNet, virtioScsi } from "../../src/boot-test/machine.ts";

/** A machine like Oracle Cloud's: its paravirtualized launch mode is KVM's virtio, with boot volumes on virtio SCSI. */
export function ociMachine(): Machine {
  return {
    ...virtioScsi,
    network: virtioNet,
    // cloud-init's DataSourceOracle.py compares the chassis' asset tag.
    smbios: [smbios(3, { asset: "OracleCloud.com" })],
    serialPorts: [],
  };
}
