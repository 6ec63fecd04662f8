/** What the builder and the boot test need to know about a cloud. The folders in `clouds/` implement it. */
import type { Variant } from "../configuration/variant.ts";
import { suggest } from "../configuration/source.ts";
import { UserError } from "../lib/user-error.ts";
import type { Machine } from "./machine.ts";
import type { Instance, MetadataHandler } from "./metadata/service.ts";

/** A cloud, as needed for building and booting its images. */
export interface BootCloud {
  /** The value of dimension `cloud`: `aws`. */
  readonly name: string;
  /** cloud-init's name for the cloud's data source: `Ec2`. */
  readonly dataSource: string;
  /** Tiny Cloud's name of the cloud; its package is `tiny-cloud-NAME`. @default the cloud's name */
  readonly tinyCloud?: string;
  /** The machine that an image boots on: the cloud's disk controller, network card and SMBIOS tables. */
  machine(variant: Pick<Variant, "arch" | "firmware">): Machine;
  /** The services that tell an instance what it is. @default none: a NoCloud seed on a second disk does */
  metadata?(instance: Instance): MetadataServices;
}

/** Tiny Cloud's name of a cloud. */
export const tinyCloudOf = ({ name, tinyCloud = name }: Pick<BootCloud, "name" | "tinyCloud">): string =>
  tinyCloud;

/** The metadata services of a cloud. */
export interface MetadataServices {
  /** Address → the service that answers there, on port 80. */
  services: Readonly<Record<string, MetadataHandler>>;
  /** Names that an instance looks up to find its services → their addresses. @default none */
  names?: Readonly<Record<string, string>>;
}

/**
 * Finds the cloud of an image.
 * @throws UserError if the cloud is unknown
 */
export function bootCloudOf(clouds: readonly BootCloud[], name: string): BootCloud {
  const found = clouds.find((cloud) => cloud.name === name);
  if (found !== undefined) return found;
  const known = clouds.map((cloud) => cloud.name);
  throw new UserError(
    "boot-machine-unknown",
    `images of cloud "${name}" cannot be built: there is no machine to boot them on${suggest(name, known)}`,
    "add a folder for the cloud to clouds/: see docs/adding-a-cloud.md",
    { where: `cloud ${name}` },
  );
}
