import { metadataAddress } from "../../src/boot-test/metadata/address.ts";
import { fieldOf, textsAmong } from "../../src/regions/region-lookup.ts";
import type { Cloud } from "../cloud.ts";
import { azureMachine } from "./machine.ts";
import { azureMetadata, azureWireserver, wireserverAddress } from "./metadata-service.ts";

/** Microsoft Azure: images are built, boot-tested and stored. Publishing is not supported yet. */
export const azure: Cloud = {
  name: "azure",
  machine: azureMachine,
  metadata: (instance) => ({
    services: { [metadataAddress]: azureMetadata(instance), [wireserverAddress]: azureWireserver(instance) },
  }),
  dataSource: "Azure",
  regions: {
    // There is no public URL: the list is the output of `az account list-locations`.
    names: (list) =>
      (Array.isArray(list) ? list : [])
        .filter((one) => fieldOf(fieldOf(one, "metadata"), "regionType") === "Physical")
        .flatMap((one) => textsAmong([fieldOf(one, "name")])),
  },
};
