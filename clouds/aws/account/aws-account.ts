import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { AccountSettings } from "./settings.ts";
import {
  publisherPolicy,
  publisherTrust,
  tlsOnly,
  vmimportPolicy,
  vmimportTrust,
  type PolicyDocument,
} from "../policies.ts";
import { defined } from "../../../src/lib/defined.ts";

/** S3 aborts an upload that is unfinished after this many days. */
const unfinishedUploadDays = 3;

/**
 * What an account needs before images are published to it: the bucket and the role of VM Import, and a policy that
 * allows exactly what publishing does. If the settings name principals or an issuer, a role has that policy. Only the
 * uploads in the bucket cost anything, and they are deleted after some days. Deleting it leaves published images alone;
 * the bucket stays until it is empty.
 */
export class AwsAccount extends pulumi.ComponentResource {
  /** The publisher's policy, which can be attached elsewhere too. */
  readonly publisherPolicyArn: pulumi.Output<string>;
  /** The publisher's role. Undefined if nobody may assume it. */
  readonly publisherRoleArn: pulumi.Output<string> | undefined;

  constructor(name: string, settings: AccountSettings, opts?: pulumi.ComponentResourceOptions) {
    super("alpine:aws:Account", name, {}, opts);
    const { account, region, bucket, role, kmsKeys, publisher } = settings;
    if (bucket !== undefined) {
      this.declareBucket(name, bucket, settings.uploadDays);
      const policy = vmimportPolicy({ region, bucket }, kmsKeys);
      this.declareRole(`${name}-vmimport`, role, vmimportTrust, policy);
    }
    const policy = new aws.iam.Policy(
      `${name}-publisher`,
      {
        name: publisher.name,
        description: "Publish Alpine Linux images",
        policy: json(
          publisherPolicy({
            account,
            region,
            kmsKeys,
            direct: settings.direct,
            parameterPrefix: settings.parameterPrefix,
            ...defined({ vmimport: bucket === undefined ? undefined : { bucket, role } }),
            managesBlocking: publisher.managesBlocking,
          }),
        ),
      },
      { parent: this },
    );
    this.publisherPolicyArn = policy.arn;
    this.publisherRoleArn = this.declarePublisher(`${name}-publisher`, publisher, policy);
    this.declareBlocking(name, settings.blockPublicAccess);
    this.registerOutputs({ policy: this.publisherPolicyArn, role: this.publisherRoleArn });
  }

  private declareBucket(name: string, bucketName: string, uploadDays: number): void {
    const { bucket, arn } = new aws.s3.Bucket(`${name}-uploads`, { bucket: bucketName }, { parent: this });
    const inside = { parent: this };
    const publicAccessBlock = new aws.s3.BucketPublicAccessBlock(
      `${name}-uploads`,
      {
        bucket,
        blockPublicAcls: true,
        blockPublicPolicy: true,
        ignorePublicAcls: true,
        restrictPublicBuckets: true,
      },
      inside,
    );
    new aws.s3.BucketServerSideEncryptionConfiguration(
      `${name}-uploads`,
      // With S3's own key, the import's role needs no permissions on a key.
      { bucket, rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }] },
      inside,
    );
    new aws.s3.BucketLifecycleConfiguration(
      `${name}-uploads`,
      {
        bucket,
        rules: [
          {
            id: "uploads",
            status: "Enabled",
            filter: {},
            expiration: { days: uploadDays },
            abortIncompleteMultipartUpload: { daysAfterInitiation: unfinishedUploadDays },
          },
        ],
      },
      inside,
    );
    new aws.s3.BucketPolicy(
      `${name}-uploads`,
      { bucket, policy: pulumi.jsonStringify(arn.apply(tlsOnly)) },
      // S3 refuses to set both at once (OperationAborted).
      { ...inside, dependsOn: publicAccessBlock },
    );
  }

  private declareRole(name: string, roleName: string, trust: PolicyDocument, policy: PolicyDocument): void {
    const role = new aws.iam.Role(
      name,
      { name: roleName, description: "VM Import reads uploaded disks", assumeRolePolicy: json(trust) },
      { parent: this },
    );
    new aws.iam.RolePolicy(name, { name: roleName, role: role.name, policy: json(policy) }, { parent: this });
  }

  private declarePublisher(
    name: string,
    { name: roleName, principals, oidc }: AccountSettings["publisher"],
    policy: aws.iam.Policy,
  ): pulumi.Output<string> | undefined {
    if (principals.length === 0 && oidc === undefined) return undefined;
    const issuer =
      oidc &&
      new aws.iam.OpenIdConnectProvider(
        name,
        { url: oidc.url, clientIdLists: [oidc.audience] },
        { parent: this },
      );
    const trust = pulumi
      .output(issuer?.arn)
      .apply((arn) => publisherTrust(principals, oidc && { arn: arn ?? "", oidc }));
    const role = new aws.iam.Role(
      name,
      {
        name: roleName,
        description: "Publishes Alpine Linux images",
        assumeRolePolicy: pulumi.jsonStringify(trust),
        // A run with many images and copies to far regions takes hours.
        maxSessionDuration: 12 * 60 * 60,
      },
      { parent: this },
    );
    new aws.iam.RolePolicyAttachment(name, { role: role.name, policyArn: policy.arn }, { parent: this });
    return role.arn;
  }

  private declareBlocking(name: string, { regions, state }: AccountSettings["blockPublicAccess"]): void {
    for (const region of regions) {
      const args = { region, state };
      new aws.ec2.ImageBlockPublicAccess(`${name}-${region}`, args, { parent: this });
      new aws.ebs.SnapshotBlockPublicAccess(`${name}-${region}`, args, { parent: this });
    }
  }
}

const json = (document: PolicyDocument): string => JSON.stringify(document);
