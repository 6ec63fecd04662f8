/**
 * The policies of this project's roles in an AWS account, which allow nothing more than is needed. clouds/aws/account
 * declares them, and preflight checks them. Plain data.
 */
import { partition } from "@aws-sdk/core/client";

type Texts = string | readonly string[];

export interface Statement {
  Sid: string;
  Effect: "Allow" | "Deny";
  Principal?: "*" | Readonly<Record<string, Texts>>;
  Action: Texts;
  Resource?: Texts;
  Condition?: Readonly<Record<string, Readonly<Record<string, Texts>>>>;
}

export interface PolicyDocument {
  Version: "2012-10-17";
  Statement: Statement[];
}

export const policy = (...statements: Statement[]): PolicyDocument => ({
  Version: "2012-10-17",
  Statement: statements,
});

export const vmimportService = "vmie.amazonaws.com";
/** The external id of VM Import. Without it, other accounts could have VM Import use our role. */
export const vmimportExternalId = "vmimport";

/** Lets VM Import assume its role: see VM Import/Export user guide, "Required service role". */
export const vmimportTrust: PolicyDocument = policy({
  Sid: "VmImport",
  Effect: "Allow",
  Principal: { Service: vmimportService },
  Action: "sts:AssumeRole",
  Condition: { StringEquals: { "sts:ExternalId": vmimportExternalId } },
});

/** The beginning of ARNs in a region: China and GovCloud have partitions other than `aws`. */
const arnIn = (region: string): string => `arn:${partition(region).name}`;

/** The bucket of VM Import. */
export interface UploadBucket {
  region: string;
  bucket: string;
}

const bucketArn = ({ region, bucket }: UploadBucket): string => `${arnIn(region)}:s3:::${bucket}`;

/** What an import needs (see the same page): it reads the uploaded disk, and makes a snapshot of it. */
export function vmimportPolicy(uploads: UploadBucket, kmsKeys: readonly string[] = []): PolicyDocument {
  const arn = bucketArn(uploads);
  return policy(
    {
      Sid: "FindUploads",
      Effect: "Allow",
      Action: ["s3:GetBucketLocation", "s3:ListBucket"],
      Resource: arn,
    },
    { Sid: "ReadUploads", Effect: "Allow", Action: "s3:GetObject", Resource: `${arn}/*` },
    {
      Sid: "MakeSnapshots",
      Effect: "Allow",
      Action: ["ec2:CopySnapshot", "ec2:Describe*", "ec2:ModifySnapshotAttribute", "ec2:RegisterImage"],
      Resource: "*",
    },
    ...useKeys(kmsKeys),
  );
}

/** The same permissions as single actions, because IAM's simulator takes no wildcards. */
export function vmimportNeeds(uploads: UploadBucket): { actions: string[]; resource: string }[] {
  const arn = bucketArn(uploads);
  return [
    { actions: ["s3:GetBucketLocation", "s3:ListBucket"], resource: arn },
    { actions: ["s3:GetObject"], resource: `${arn}/disk` },
    {
      actions: ["ec2:CopySnapshot", "ec2:DescribeImages", "ec2:ModifySnapshotAttribute", "ec2:RegisterImage"],
      resource: "*",
    },
  ];
}

/** Permissions to encrypt snapshots with the account's own keys. AWS's key needs none. */
function useKeys(kmsKeys: readonly string[]): Statement[] {
  if (kmsKeys.length === 0) return [];
  const actions = ["CreateGrant", "Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey*", "ReEncrypt*"];
  return [
    {
      Sid: "UseKeys",
      Effect: "Allow",
      Action: actions.map((action) => `kms:${action}`),
      Resource: [...kmsKeys],
    },
  ];
}

export interface PublisherRights {
  /** Twelve digits. */
  account: string;
  /** The home region. All other regions are in its partition. */
  region: string;
  /** Bucket and role of VM Import. @default images are only written directly */
  vmimport?: { bucket: string; role: string };
  /** Whether the publisher may write snapshots with EBS direct. */
  direct: boolean;
  /** Path of the channels' parameters: `/alpine`. */
  parameterPrefix: string;
  /** Whether the publisher may switch block public access on and off for images and snapshots. */
  managesBlocking: boolean;
  kmsKeys: readonly string[];
}

/**
 * What the publisher may do: the calls of the stack's resources, of the steps, of preflight and of recover. In EC2 it
 * may manage images and snapshots, never instances, volumes or networks.
 */
export function publisherPolicy(rights: PublisherRights): PolicyDocument {
  const { account, region, parameterPrefix } = rights;
  const arn = arnIn(region);
  const images = `${arn}:ec2:*::image/*`;
  const snapshots = `${arn}:ec2:*::snapshot/*`;
  const imports = `${arn}:ec2:*:${account}:import-snapshot-task/*`;
  return policy(
    {
      Sid: "See",
      Effect: "Allow",
      Action: [
        "ec2:DescribeImageAttribute",
        "ec2:DescribeImages",
        "ec2:DescribeImportSnapshotTasks",
        "ec2:DescribeRegions",
        "ec2:DescribeSnapshotAttribute",
        "ec2:DescribeSnapshots",
        "ec2:GetImageBlockPublicAccessState",
        "ec2:GetSnapshotBlockPublicAccessState",
        "ssm:DescribeParameters",
      ],
      Resource: "*",
    },
    {
      Sid: "MakeImages",
      Effect: "Allow",
      Action: [
        "ec2:CopyImage",
        "ec2:DeregisterImage",
        "ec2:DisableImageDeprecation",
        "ec2:EnableImageDeprecation",
        "ec2:ModifyImageAttribute",
        "ec2:RegisterImage",
      ],
      Resource: [images, snapshots],
    },
    {
      Sid: "KeepSnapshots",
      Effect: "Allow",
      Action: ["ec2:DeleteSnapshot", "ec2:ModifySnapshotAttribute"],
      Resource: snapshots,
    },
    {
      Sid: "Tag",
      Effect: "Allow",
      Action: ["ec2:CreateTags", "ec2:DeleteTags"],
      Resource: [images, snapshots, imports],
    },
    {
      Sid: "MoveChannels",
      Effect: "Allow",
      Action: [
        ...["AddTagsToResource", "DeleteParameter", "GetParameter", "GetParameters"].map(
          (one) => `ssm:${one}`,
        ),
        ...["ListTagsForResource", "PutParameter", "RemoveTagsFromResource"].map((one) => `ssm:${one}`),
      ],
      Resource: `${arn}:ssm:*:${account}:parameter${parameterPrefix}/*`,
    },
    {
      Sid: "SeeQuota",
      Effect: "Allow",
      Action: "servicequotas:GetServiceQuota",
      Resource: `${arn}:servicequotas:*:${account}:ec2/*`,
    },
    ...(rights.vmimport === undefined ? [] : importRights(rights, rights.vmimport, [snapshots, imports])),
    ...(rights.direct
      ? [
          {
            Sid: "WriteSnapshots",
            Effect: "Allow",
            Action: ["ebs:CompleteSnapshot", "ebs:PutSnapshotBlock", "ebs:StartSnapshot"],
            Resource: snapshots,
          } as const,
        ]
      : []),
    ...(rights.managesBlocking
      ? [
          {
            Sid: "SwitchBlocking",
            Effect: "Allow",
            Action: [
              "ec2:DisableImageBlockPublicAccess",
              "ec2:DisableSnapshotBlockPublicAccess",
              "ec2:EnableImageBlockPublicAccess",
              "ec2:EnableSnapshotBlockPublicAccess",
            ],
            Resource: "*",
          } as const,
        ]
      : []),
    ...useKeys(rights.kmsKeys),
  );
}

function importRights(
  { account, region }: PublisherRights,
  { bucket, role }: NonNullable<PublisherRights["vmimport"]>,
  imported: string[],
): Statement[] {
  const arn = bucketArn({ region, bucket });
  return [
    { Sid: "Import", Effect: "Allow", Action: "ec2:ImportSnapshot", Resource: imported },
    {
      Sid: "FindUploads",
      Effect: "Allow",
      Action: ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
      Resource: arn,
    },
    {
      Sid: "Upload",
      Effect: "Allow",
      Action: [
        "s3:AbortMultipartUpload",
        "s3:DeleteObject",
        "s3:GetObject",
        "s3:GetObjectTagging",
        "s3:ListMultipartUploadParts",
        "s3:PutObject",
        "s3:PutObjectTagging",
      ],
      Resource: `${arn}/*`,
    },
    {
      Sid: "SeeImportRole",
      Effect: "Allow",
      Action: ["iam:GetRole", "iam:SimulatePrincipalPolicy"],
      Resource: `${arnIn(region)}:iam::${account}:role/${role}`,
    },
  ];
}

/** An issuer that gives identities to pipelines. */
export interface OidcIssuer {
  /** `https://gitlab.example.org`. */
  url: string;
  audience: string;
  /** Patterns of the `sub` of accepted identities. */
  subjects: readonly string[];
}

/** Lets these principals, and these identities of an issuer that the account knows, assume the publisher's role. */
export function publisherTrust(
  principals: readonly string[],
  issuer?: { arn: string; oidc: OidcIssuer },
): PolicyDocument {
  const host = issuer?.oidc.url.replace(/^https:\/\//, "") ?? "";
  return policy(
    ...(principals.length === 0
      ? []
      : [
          {
            Sid: "Principals",
            Effect: "Allow",
            Principal: { AWS: [...principals] },
            Action: "sts:AssumeRole",
          } as const,
        ]),
    ...(issuer === undefined
      ? []
      : [
          {
            Sid: "Pipelines",
            Effect: "Allow",
            Principal: { Federated: issuer.arn },
            Action: "sts:AssumeRoleWithWebIdentity",
            Condition: {
              StringEquals: { [`${host}:aud`]: issuer.oidc.audience },
              StringLike: { [`${host}:sub`]: [...issuer.oidc.subjects] },
            },
          } as const,
        ]),
  );
}

/** Denies all access to a bucket without TLS. */
export const tlsOnly = (bucketArn: string): PolicyDocument =>
  policy({
    Sid: "TlsOnly",
    Effect: "Deny",
    Principal: "*",
    Action: "s3:*",
    Resource: [bucketArn, `${bucketArn}/*`],
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  });
