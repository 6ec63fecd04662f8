/** What the double keeps of one account: plain data, written as JSON, one file a region and one for what has no region. */

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
  /** Polls until it is completed; 0 is completed. */
  polls: number;
  volumeSizeGib: number;
  encrypted: boolean;
  kmsKeyId?: string;
  /** The imported bytes, the same in every copy; none for a snapshot that something else made. */
  content?: ObjectContent;
  /** Written block by block: index → SHA-256 of the block's bytes, in base64. */
  blocks?: Record<string, string>;
  /** Blocks may still come; it isn't completed before. */
  isBeingWritten?: true;
  /** Accounts that may make volumes of it, and `all`. */
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
  /** Polls until it can be seen, and until it is available. */
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
  /** Where the import ends: a snapshot, or why there is none. */
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
  /** What is being validated, while the value above is still the one that is read. */
  pending?: { value: string; polls: number };
}

export type BlockPublicAccess = { state: string; next?: { state: string; polls: number } };

export interface Region {
  images: Record<string, Image>;
  /** Ids that had an image once: other errors than for ids that never had one. */
  deregistered: string[];
  snapshots: Record<string, Snapshot>;
  importTasks: Record<string, ImportTask>;
  parameters: Record<string, Parameter>;
  imageBlockPublicAccess: BlockPublicAccess;
  snapshotBlockPublicAccess: string;
  /** Quotas that are not at their default, by `service/code`. */
  quotas: Record<string, number>;
  /** What a client token has made already. */
  clientTokens: Record<string, string>;
  /** How many ids were given out. */
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

/** What an account has in no region. */
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
    // Accounts made since October 2023 have it on: AlmaLinux/cloud-images#239. Tests that want it on say so.
    imageBlockPublicAccess: { state: "unblocked" },
    snapshotBlockPublicAccess: "unblocked",
    quotas: {},
    clientTokens: {},
    serial: 0,
  };
}

export const newGlobal = (): Global => ({ roles: {} });
