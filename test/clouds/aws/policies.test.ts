/** The publisher's policy against the calls that are really made: by the resources, as the double knows them, and by our own code. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { publisherPolicy, vmimportNeeds, vmimportPolicy } from "../../../clouds/aws/policies.ts";
import { ec2Actions, quotaActions, ssmActions } from "../../doubles/aws/cloud/actions.ts";
import { allows } from "../../doubles/aws/cloud/roles.ts";
import { repository } from "../../src/configuration/project.ts";

const account = "111122223333";
const rights = {
  account,
  region: "us-west-2",
  vmimport: { bucket: "uploads", role: "vmimport" },
  direct: true,
  parameterPrefix: "/alpine",
  managesBlocking: true,
  kmsKeys: [],
};
const uploads = { region: "us-west-2", bucket: "uploads" };
const policy = JSON.stringify(publisherPolicy(rights));

/** What is ours, of each kind. */
const ours = {
  image: "arn:aws:ec2:eu-west-1::image/ami-1",
  snapshot: "arn:aws:ec2:eu-west-1::snapshot/snap-1",
  task: `arn:aws:ec2:eu-west-1:${account}:import-snapshot-task/import-snap-1`,
  parameter: `arn:aws:ssm:eu-west-1:${account}:parameter/alpine/3.23/x86_64/uefi/tiny`,
  quota: `arn:aws:servicequotas:eu-west-1:${account}:ec2/L-0E3CBAB9`,
  bucket: "arn:aws:s3:::uploads",
  object: "arn:aws:s3:::uploads/disk.vhd",
  role: `arn:aws:iam::${account}:role/vmimport`,
  any: "*",
};
const mayOn = (action: string): string[] =>
  Object.entries(ours)
    .filter(([, arn]) => allows([policy], action, arn))
    .map(([kind]) => kind);

/** The rights that calls of S3 need, where they have another name. */
const rightsOf: Record<string, string> = {
  "s3:HeadBucket": "s3:ListBucket",
  "s3:HeadObject": "s3:GetObject",
  "s3:ListObjectsV2": "s3:ListBucket",
  "s3:CreateMultipartUpload": "s3:PutObject",
  "s3:UploadPart": "s3:PutObject",
  "s3:CompleteMultipartUpload": "s3:PutObject",
  "s3:ListMultipartUploads": "s3:ListBucketMultipartUploads",
  "s3:ListParts": "s3:ListMultipartUploadParts",
  "ec2:SnapshotCompleted": "ec2:DescribeSnapshots",
};

/** Every call in our own code, `ec2:DescribeImages`, by what it takes from the SDKs. */
function ownCalls(): string[] {
  const files = readdirSync(join(repository, "clouds/aws"), { recursive: true, encoding: "utf8" });
  const calls = files
    .filter((name) => name.endsWith(".ts"))
    .flatMap((name) => {
      const text = readFileSync(join(repository, "clouds/aws", name), "utf8");
      const imports = text.matchAll(
        /\{([^{}]*)\}\s*(?:from|=\s*await import\()\s*"@aws-sdk\/client-([a-z0-9-]+)"/g,
      );
      return [...imports].flatMap(([, names = "", client = ""]) =>
        [...names.matchAll(/\b(?:(\w+)Command|paginate(\w+)|waitUntil(\w+))\b(?!\w)/g)].map(
          ([, command, paged, awaited]) =>
            `${client.replace("service-quotas", "servicequotas")}:${command ?? paged ?? awaited}`,
        ),
      );
    });
  return [...new Set(calls)].sort();
}

describe("the publisher's policy", () => {
  it("allows every call that the resources make", () => {
    // Asking for a higher quota is for a person.
    const quotas = Object.keys(quotaActions).filter((name) => name !== "RequestServiceQuotaIncrease");
    const calls = [
      ...Object.keys(ec2Actions).map((name) => `ec2:${name}`),
      ...Object.keys(ssmActions).map((name) => `ssm:${name}`),
      ...quotas.map((name) => `servicequotas:${name}`),
    ];
    assert.ok(calls.length > 25);
    assert.deepEqual(
      calls.filter((call) => mayOn(call).length === 0),
      [],
    );
  });

  it("allows every call that our own code makes", () => {
    const calls = ownCalls();
    for (const one of ["ec2:DescribeImages", "s3:HeadBucket", "iam:SimulatePrincipalPolicy"])
      assert.ok(calls.includes(one), one);
    // Anybody may ask who they are.
    const forbidden = calls
      .filter((call) => call !== "sts:GetCallerIdentity")
      .filter((call) => mayOn(rightsOf[call] ?? call).length === 0);
    assert.deepEqual(forbidden, [], "add it to clouds/aws/policies.ts, or its other name to this test");
  });

  it("keeps to what is ours", () => {
    assert.deepEqual(mayOn("ec2:DeleteSnapshot"), ["snapshot"]);
    assert.deepEqual(mayOn("ec2:CreateTags"), ["image", "snapshot", "task"]);
    assert.deepEqual(mayOn("ssm:PutParameter"), ["parameter"]);
    assert.deepEqual(mayOn("s3:PutObject"), ["object"]);
    assert.deepEqual(mayOn("iam:GetRole"), ["role"]);
    for (const arn of [
      "arn:aws:s3:::other/disk",
      `arn:aws:ssm:eu-west-1:${account}:parameter/alpine-other/x`,
      `arn:aws:iam::${account}:role/admin`,
    ]) {
      for (const action of ["s3:GetObject", "ssm:GetParameter", "iam:GetRole"]) {
        assert.ok(!allows([policy], action, arn), `${action} ${arn}`);
      }
    }
    for (const action of [
      "ec2:RunInstances",
      "ec2:TerminateInstances",
      "iam:PassRole",
      "s3:DeleteBucket",
      "kms:Decrypt",
    ]) {
      assert.deepEqual(mayOn(action), [], action);
    }
  });

  it("has only the rights that are asked for", () => {
    const none = { direct: false, managesBlocking: false, kmsKeys: [] };
    const small = JSON.stringify(
      publisherPolicy({ account, region: "us-west-2", parameterPrefix: "/alpine", ...none }),
    );
    assert.doesNotMatch(small, /s3:|ebs:|iam:|ec2:ImportSnapshot|Disable\w*BlockPublicAccess/);
    const key = `arn:aws:kms:eu-west-1:${account}:key/1`;
    const encrypting = publisherPolicy({ ...rights, kmsKeys: [key] }).Statement.at(-1);
    assert.deepEqual(encrypting?.Resource, [key]);
  });

  it("has the ARNs of its region's partition", () => {
    for (const [region, start] of [
      ["cn-north-1", "arn:aws-cn:"],
      ["us-gov-west-1", "arn:aws-us-gov:"],
    ] as const) {
      const there = [
        publisherPolicy({ ...rights, region }),
        vmimportPolicy({ ...uploads, region }),
        ...vmimportNeeds({ ...uploads, region }),
      ];
      const arns = JSON.stringify(there).match(/\barn:[\w-]*:/g) ?? [];
      assert.deepEqual([...new Set(arns)], [start]);
    }
  });

  it("fits into a managed policy, which may have 6,144 characters", () => {
    assert.ok(policy.length < 6144, String(policy.length));
  });
});

describe("the policy of VM Import's role", () => {
  it("allows what preflight asks for, on its own bucket alone", () => {
    const own = JSON.stringify(vmimportPolicy(uploads));
    for (const { actions, resource } of vmimportNeeds(uploads)) {
      for (const action of actions) assert.ok(allows([own], action, resource), action);
    }
    assert.ok(!allows([own], "s3:GetObject", "arn:aws:s3:::other/disk"));
    assert.ok(!allows([own], "s3:PutObject", "arn:aws:s3:::uploads/disk"));
  });
});
