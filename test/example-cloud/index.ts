/**
 * A throw-away cloud, which the test `test/e2e/example-cloud.e2e.ts` adds to a checkout: this folder becomes `clouds/example`.
 * Its images are files in a folder, and its instances speak the token-based metadata protocol of EC2, which Tiny Cloud knows.
 */
import type { Cloud } from "../../clouds/cloud.ts";
import { smbios, virtioNet } from "../../src/boot-test/machine.ts";
import { metadataAddress } from "../../src/boot-test/metadata/address.ts";
import { exampleMetadata } from "./metadata-service.ts";
import { exampleOptions, exampleSettings } from "./options.ts";
import { exampleProgress } from "./progress.ts";
import { examplePreflight } from "./preflight.ts";
import { exampleRecovery } from "./recovery.ts";
import { validate } from "./validate.ts";

export const example: Cloud = {
  name: "example",
  options: exampleOptions,
  settings: exampleSettings,
  machine: () => ({
    controllers: [],
    disk: "virtio-blk-pci",
    network: virtioNet,
    // Tiny Cloud knows the protocol of the metadata service by this table.
    smbios: [smbios(0, { vendor: "Amazon EC2" }), smbios(1, { manufacturer: "Amazon EC2" })],
    serialPorts: [],
  }),
  metadata: (instance) => ({ services: { [metadataAddress]: exampleMetadata(instance) } }),
  dataSource: "Ec2",
  tinyCloud: "aws",
  publishing: {
    validate,
    components: async () => await import("./components.ts"),
    steps: { "example-import": async () => (await import("./import.ts")).importStep },
    progress: exampleProgress,
    preflight: examplePreflight,
    recovery: exampleRecovery,
  },
};
