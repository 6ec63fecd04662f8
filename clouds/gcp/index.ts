import { metadataAddress } from "../../src/boot-test/metadata/address.ts";
import { fieldOf, textsAmong, valuesOf } from "../../src/regions/region-lookup.ts";
import type { Cloud } from "../cloud.ts";
import { gcpMachine } from "./machine.ts";
import { gcpMetadata } from "./metadata-service.ts";

/** Google Cloud: images are built, boot-tested and stored. Publishing is not supported yet. */
export const gcp: Cloud = {
  name: "gcp",
  machine: gcpMachine,
  metadata: (instance) => ({
    services: { [metadataAddress]: gcpMetadata(instance) },
    names: { "metadata.google.internal": metadataAddress },
  }),
  dataSource: "GCE",
  regions: {
    url: "https://www.gstatic.com/ipranges/cloud.json",
    names: (list) =>
      textsAmong(valuesOf(fieldOf(list, "prefixes"), "scope")).filter((name) => name !== "global"),
  },
};
