import { type Machine, virtioNet } from "../../src/boot-test/machine.ts";

/** A plain machine, as people use to boot NoCloud images at home. */
export function nocloudMachine(): Machine {
  return { controllers: [], disk: "virtio-blk-pci", network: virtioNet, smbios: [], serialPorts: [] };
}
