import { metadataAddress } from "../../src/boot-test/metadata/address.ts";
import { fieldOf, textsAmong, valuesOf } from "../../src/regions/region-lookup.ts";
import type { Cloud } from "../cloud.ts";
import { ociMachine } from "./machine.ts";
import { ociMetadata } from "./metadata-service.ts";

/** Oracle Cloud: images are built, boot-tested and stored. Publishing is not supported yet. */
export const oci: Cloud = {
  name: "oci",
  machine: ociMachine,
  metadata: (instance) => ({ services: { [metadataAddress]: ociMetadata(instance) } }),
  dataSource: "Oracle",
  regions: {
    url: "https://docs.oracle.com/iaas/tools/public_ip_ranges.json",
    names: (list) => textsAmong(valuesOf(fieldOf(list, "regions"), "region")),
  },
};
