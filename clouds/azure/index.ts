import { metadataAddress } from "../../src/boot-test/metadata/address.ts";
import { fieldOf, textsAmong } from "../../src/regions/region-lookup.ts";
import type { Cloud } from "../cloud.ts";
import { azureMachine } from "./machine.ts";
import { azureMetadata, azureWireserver, wireserverAddress } from "./metadata-service.ts";

/** Microsoft Azure: images are built, booted and stored. Publishing them is not supported so far. */
export const azure: Cloud = {
  name: "azure",
  machine: azureMachine,
  metadata: (instance) => ({
    services: { [metadataAddress]: azureMetadata(instance), [wireserverAddress]: azureWireserver(instance) },
  }),
  dataSource: "Azure",
  regions: {
    // Without a public URL: the list is what `az account list-locations` prints.
    names: (list) =>
      (Array.isArray(list) ? list : [])
        .filter((one) => fieldOf(fieldOf(one, "metadata"), "regionType") === "Physical")
        .flatMap((one) => textsAmong([fieldOf(one, "name")])),
  },
};
