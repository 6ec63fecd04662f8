/** The state of an account: plain data in JSON, one file per region and one for what has no region. */

export type Tags = Record<string, string>;

/** Bytes that an object in S3 held when they were imported. */
export interface ObjectContent {
  bucket: string;
  key: string;
  etag: string;
  bytes: number;
}

export interface Snapshot {
  snapshotId: string;
  description: string;
  /** Polls until it is completed. 0 means completed. */
  polls: number;
  volumeSizeGib: number;
  encrypted: boolean;
  kmsKeyId?: string;
  /** The imported bytes, the same in every copy. Undefined for snapshots that were made otherwise. */
  content?: ObjectContent;
  /** Index to SHA-256 of the block's bytes in base64, if it was written block by block. */
  blocks?: Record<string, string>;
  /** If true, more blocks may come, and it is not completed. */
  isBeingWritten?: true;
  /** Accounts that may create volumes from it, and `all`. */
  sharedWith: string[];
  tags: Tags;
  startTime: string;
}

export interface BlockDevice {
  deviceName: string;
  snapshotId?: string;
  volumeType: string;
  volumeSize: number;
  deleteOnTermination: boolean;
  encrypted: boolean;
  iops?: number;
  throughput?: number;
}

export interface LaunchPermission {
  UserId?: string;
  Group?: "all";
  OrganizationArn?: string;
  OrganizationalUnitArn?: string;
}

export interface Image {
  imageId: string;
  name: string;
  description: string;
  /** Polls until it is visible, and until it is available. */
  hiddenPolls: number;
  polls: number;
  creationDate: string;
  architecture: string;
  bootMode?: string;
  virtualizationType: string;
  enaSupport: boolean;
  sriovNetSupport?: string;
  imdsSupport?: string;
  tpmSupport?: string;
  uefiData?: string;
  rootDeviceName: string;
  blockDevices: BlockDevice[];
  sourceImageId?: string;
  sourceRegion?: string;
  deprecationTime?: string;
  launchPermissions: LaunchPermission[];
  tags: Tags;
}

export interface ImportTask {
  importTaskId: string;
  description: string;
  format: string;
  content: { bucket: string; key: string };
  polls: number;
  /** The result of the import: a snapshot, or why it failed. */
  snapshotId?: string;
  failure?: string;
  tags: Tags;
}

export interface Parameter {
  name: string;
  type: string;
  dataType: string;
  description?: string;
  allowedPattern?: string;
  tier: string;
  tags: Tags;
  value: string;
  version: number;
  /** The new value that is being validated, while reads still return the old one. */
  pending?: { value: string; polls: number };
}

export type BlockPublicAccess = { state: string; next?: { state: string; polls: number } };

export interface Region {
  images: Record<string, Image>;
  /** Ids of former images, whose errors differ from those of ids that never existed. */
  deregistered: string[];
  snapshots: Record<string, Snapshot>;
  importTasks: Record<string, ImportTask>;
  parameters: Record<string, Parameter>;
  imageBlockPublicAccess: BlockPublicAccess;
  snapshotBlockPublicAccess: string;
  /** Quotas that differ from their default, by `service/code`. */
  quotas: Record<string, number>;
  /** Client token to what it has made. */
  clientTokens: Record<string, string>;
  /** The number of ids given out. */
  serial: number;
}

export interface Role {
  name: string;
  path: string;
  description?: string;
  assumeRolePolicy: string;
  maxSessionDuration: number;
  policies: Record<string, string>;
  tags: Tags;
  createDate: string;
}

/** What an account has outside of regions. */
export interface Global {
  roles: Record<string, Role>;
}

export function newRegion(): Region {
  return {
    images: {},
    deregistered: [],
    snapshots: {},
    importTasks: {},
    parameters: {},
    // Accounts made since October 2023 have it on (AlmaLinux/cloud-images#239). Tests that need it on switch it on.
    imageBlockPublicAccess: { state: "unblocked" },
    snapshotBlockPublicAccess: "unblocked",
    quotas: {},
    clientTokens: {},
    serial: 0,
  };
}

export const newGlobal = (): Global => ({ roles: {} });
