import { awsMetadata } from "../../../clouds/aws/metadata-service.ts";
import { azureMetadata, azureWireserver } from "../../../clouds/azure/metadata-service.ts";
import { gcpMetadata } from "../../../clouds/gcp/metadata-service.ts";
import { ociMetadata } from "../../../clouds/oci/metadata-service.ts";
import type { Instance, MetadataHandler } from "./service.ts";

/** The address of every cloud's metadata service. */
export const metadataAddress = "169.254.169.254";

/** And of Azure's second one. */
export const wireserverAddress = "168.63.129.16";

/** Services by their address, for each cloud that has any; the others' instances are told by a seed. */
const services: Record<string, (instance: Instance) => Record<string, MetadataHandler>> = {
  aws: (instance) => ({ [metadataAddress]: awsMetadata(instance) }),
  azure: (instance) => ({
    [metadataAddress]: azureMetadata(instance),
    [wireserverAddress]: azureWireserver(instance),
  }),
  gcp: (instance) => ({ [metadataAddress]: gcpMetadata(instance) }),
  oci: (instance) => ({ [metadataAddress]: ociMetadata(instance) }),
};

/** The services that an instance finds in its cloud, by their address; undefined where the cloud has none. */
export function metadataServices(
  cloud: string,
  instance: Instance,
): Record<string, MetadataHandler> | undefined {
  return services[cloud]?.(instance);
}

/** Names that an instance looks up to find its services, with their addresses. */
export function metadataNames(cloud: string): Record<string, string> {
  return cloud === "gcp" ? { "metadata.google.internal": metadataAddress } : {};
}
