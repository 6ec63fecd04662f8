import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { ACCOUNT_NAMESPACE, readAccountSettings } from "../../../clouds/aws/account/settings.ts";
import type { PolicyDocument } from "../../../clouds/aws/policies.ts";
import { repository } from "../../src/configuration/project.ts";
import { type MockTypes, type Registered, type Run, runWithMocks } from "../../helpers/pulumi-mocks.ts";
import { mistakesOf } from "../../helpers/errors.ts";

const account = "111122223333";
const same = (inputs: Record<string, unknown>) => inputs;
const withArn =
  (service: string) =>
  (inputs: Record<string, unknown>): Record<string, unknown> => ({
    ...inputs,
    arn: `arn:aws:${service}::${account}:${String(inputs["name"] ?? inputs["url"])}`,
  });

const types: MockTypes = {
  "alpine:aws:Account": () => ({}),
  "aws:s3/bucket:Bucket": (inputs) => ({ ...inputs, arn: `arn:aws:s3:::${String(inputs["bucket"])}` }),
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": same,
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": same,
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": same,
  "aws:s3/bucketPolicy:BucketPolicy": same,
  "aws:iam/role:Role": withArn("iam"),
  "aws:iam/rolePolicy:RolePolicy": same,
  "aws:iam/policy:Policy": withArn("iam"),
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment": same,
  "aws:iam/openIdConnectProvider:OpenIdConnectProvider": withArn("iam"),
  "aws:ec2/imageBlockPublicAccess:ImageBlockPublicAccess": same,
  "aws:ebs/snapshotBlockPublicAccess:SnapshotBlockPublicAccess": same,
};

const least = { account, region: "us-west-2" };

function declare(settings: Record<string, unknown>): Promise<Run> {
  const raw = Object.entries({ ...least, ...settings }).map(([name, value]): [string, string] => [
    `${ACCOUNT_NAMESPACE}:${name}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return runWithMocks(types, false, async () => {
    const { AwsAccount } = await import("../../../clouds/aws/account/aws-account.ts");
    const { publisherPolicyArn } = new AwsAccount("account", readAccountSettings(Object.fromEntries(raw)));
    return { publisherPolicyArn };
  });
}

const typesOf = ({ resources }: Run): string[] => resources.map(({ type }) => type.split("/").at(-1)!);
const find = ({ resources }: Run, type: string, name?: string): Registered["inputs"] => {
  const found = resources.filter((one) => one.type.endsWith(`:${type}`) && (name ?? one.name) === one.name);
  assert.equal(found.length, 1, type);
  return found[0]!.inputs;
};
const document = (text: unknown): PolicyDocument => JSON.parse(text as string) as PolicyDocument;

describe("an AWS account's program", () => {
  it("declares no more than the publisher's policy where nothing else is asked for", async () => {
    const run = await declare({});
    assert.deepEqual(typesOf(run), ["alpine:aws:Account", "policy:Policy"]);
    const { Statement } = document(find(run, "Policy")["policy"]);
    const names = Statement.map(({ Sid }) => Sid);
    assert.deepEqual(names, ["See", "MakeImages", "KeepSnapshots", "Tag", "MoveChannels", "SeeQuota"]);
    assert.equal(run.outputs["publisherPolicyArn"], `arn:aws:iam::${account}:alpine-publisher`);
  });

  it("declares a private bucket whose uploads go away, and the role that reads it and nothing else", async () => {
    const run = await declare({ bucket: "uploads", uploadDays: 14 });
    const bucket = "uploads";
    assert.deepEqual(find(run, "BucketPublicAccessBlock"), {
      bucket,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    assert.deepEqual(find(run, "BucketServerSideEncryptionConfiguration"), {
      bucket,
      rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }],
    });
    assert.deepEqual(find(run, "BucketLifecycleConfiguration"), {
      bucket,
      rules: [
        {
          id: "uploads",
          status: "Enabled",
          filter: {},
          expiration: { days: 14 },
          abortIncompleteMultipartUpload: { daysAfterInitiation: 3 },
        },
      ],
    });
    const resources = ["arn:aws:s3:::uploads", "arn:aws:s3:::uploads/*"];
    assert.deepEqual(document(find(run, "BucketPolicy")["policy"]).Statement, [
      {
        Sid: "TlsOnly",
        Effect: "Deny",
        Principal: "*",
        Action: "s3:*",
        Resource: resources,
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
    ]);
    assert.deepEqual(document(find(run, "Role")["assumeRolePolicy"]).Statement, [
      {
        Sid: "VmImport",
        Effect: "Allow",
        Principal: { Service: "vmie.amazonaws.com" },
        Action: "sts:AssumeRole",
        Condition: { StringEquals: { "sts:ExternalId": "vmimport" } },
      },
    ]);
    assert.equal(find(run, "RolePolicy")["role"], "vmimport");
    assert.deepEqual(document(find(run, "RolePolicy")["policy"]).Statement, [
      {
        Sid: "FindUploads",
        Effect: "Allow",
        Action: ["s3:GetBucketLocation", "s3:ListBucket"],
        Resource: "arn:aws:s3:::uploads",
      },
      { Sid: "ReadUploads", Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::uploads/*" },
      {
        Sid: "MakeSnapshots",
        Effect: "Allow",
        Resource: "*",
        Action: ["ec2:CopySnapshot", "ec2:Describe*", "ec2:ModifySnapshotAttribute", "ec2:RegisterImage"],
      },
    ]);
  });

  it("lets the named principals be the publisher, and the pipelines of an issuer", async () => {
    const principal = `arn:aws:iam::${account}:role/admins`;
    const oidc = { url: "https://gitlab.example.org", subjects: ["project_path:alpine/*:ref:main"] };
    const run = await declare({ publisher: { name: "releaser", principals: [principal], oidc } });
    const issuer = find(run, "OpenIdConnectProvider");
    assert.deepEqual(issuer, { url: oidc.url, clientIdLists: ["sts.amazonaws.com"] });
    assert.deepEqual(document(find(run, "Role")["assumeRolePolicy"]).Statement, [
      { Sid: "Principals", Effect: "Allow", Principal: { AWS: [principal] }, Action: "sts:AssumeRole" },
      {
        Sid: "Pipelines",
        Effect: "Allow",
        Action: "sts:AssumeRoleWithWebIdentity",
        Principal: { Federated: `arn:aws:iam::${account}:https://gitlab.example.org` },
        Condition: {
          StringEquals: { "gitlab.example.org:aud": "sts.amazonaws.com" },
          StringLike: { "gitlab.example.org:sub": ["project_path:alpine/*:ref:main"] },
        },
      },
    ]);
    assert.deepEqual(find(run, "RolePolicyAttachment"), {
      role: "releaser",
      policyArn: `arn:aws:iam::${account}:releaser`,
    });
  });

  it("declares the blocking of public images in the regions that are named", async () => {
    const run = await declare({ blockPublicAccess: { regions: ["us-west-2"] } });
    for (const type of ["ImageBlockPublicAccess", "SnapshotBlockPublicAccess"]) {
      assert.deepEqual(find(run, type), { region: "us-west-2", state: "block-new-sharing" });
    }
  });
});

describe("an AWS account's settings", () => {
  it("are in the Pulumi project's namespace", () => {
    const file = readFileSync(join(repository, "clouds/aws/account/Pulumi.yaml"), "utf8");
    assert.equal((parse(file) as { name: string }).name, ACCOUNT_NAMESPACE);
  });

  it("keep an account's digits, zeros in front too", () => {
    assert.equal(
      readAccountSettings({ account: "012345678901", region: "eu-west-1" }).account,
      "012345678901",
    );
  });

  it("are refused with all mistakes at once", () => {
    assert.deepEqual(
      mistakesOf(() => readAccountSettings({})),
      ["value-missing the account's settings account", "value-missing the account's settings region"],
    );
    const raw = {
      account: "12345",
      region: "eu-west-1",
      bukket: "x",
      parameterPrefix: "alpine",
      publisher: JSON.stringify({ principals: ["me"], oidc: { url: "https://x/", subjects: ["*"] } }),
      kmsKeys: JSON.stringify(["alias/mine"]),
    };
    assert.deepEqual(mistakesOf(() => readAccountSettings(raw)).sort(), [
      "unknown-key the account's settings bukket",
      "value-invalid the account's settings account",
      "value-invalid the account's settings kmsKeys[0]",
      "value-invalid the account's settings parameterPrefix",
      "value-invalid the account's settings publisher.oidc.subjects[0]",
      "value-invalid the account's settings publisher.oidc.url",
      "value-invalid the account's settings publisher.principals[0]",
    ]);
  });
});
