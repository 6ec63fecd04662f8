/** The emulator's resources by type token. */
import type { ResourceType } from "../resource.ts";
import { amiCopy } from "./ami-copy.ts";
import { amiLaunchPermission } from "./ami-launch-permission.ts";
import { ami } from "./ami.ts";
import { imageBlockPublicAccess, snapshotBlockPublicAccess } from "./block-public-access.ts";
import { bucket } from "./bucket.ts";
import { parameter } from "./parameter.ts";
import { role, rolePolicy } from "./role.ts";
import { serviceQuota } from "./service-quota.ts";
import { snapshotCreateVolumePermission } from "./snapshot-create-volume-permission.ts";
import { snapshotImport } from "./snapshot-import.ts";
import { tag } from "./tag.ts";

const all = [
  snapshotImport,
  ami,
  amiCopy,
  amiLaunchPermission,
  snapshotCreateVolumePermission,
  tag,
  parameter,
  imageBlockPublicAccess,
  snapshotBlockPublicAccess,
  serviceQuota,
  role,
  rolePolicy,
  bucket,
];

export const resourceTypes: ReadonlyMap<string, ResourceType> = new Map(
  all.map((type) => [type.token, type]),
);
