import { type Machine, virtioNet } from "../../src/boot-test/machine.ts";

/** The plainest machine: the one on which people boot images of no cloud at home. */
export function nocloudMachine(): Machine {
  return { controllers: [], disk: "virtio-blk-pci", network: virtioNet, smbios: [], serialPorts: [] };
}
