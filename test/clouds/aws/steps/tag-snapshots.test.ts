import assert from "node:assert/strict";
import { awsSnapshotsStep, type AwsSnapshotsInput } from "../../../../clouds/aws/steps/tag-snapshots.ts";
import type { Snapshot } from "../../../doubles/aws/cloud/state.ts";
import { testEndpoint, type TestEndpoint } from "../../../doubles/aws/test-endpoint.ts";

const account = "111122223333";
const region = "eu-west-1";
const id = "snap-00000001";
const snapshot: Snapshot = {
  snapshotId: id,
  description: "",
  polls: 0,
  volumeSizeGib: 1,
  encrypted: false,
  sharedWith: [],
  tags: {},
  startTime: "2026-11-23T08:00:00.000Z",
};

describe("the aws-tag-snapshots step", () => {
  let aws: TestEndpoint;
  beforeEach(async () => (aws = await testEndpoint()));
  afterEach(() => aws.close());

  const begin = (changes: Partial<Snapshot>): void =>
    aws.cloud.meddle(account, region, ({ snapshots }) => void (snapshots[id] = { ...snapshot, ...changes }));
  const there = (): Snapshot => aws.cloud.region(account, region).snapshots[id]!;
  const input = (changes: Partial<AwsSnapshotsInput>): AwsSnapshotsInput => ({
    double: true,
    snapshots: { [region]: id },
    tags: { release: "3.23.6" },
    share: [],
    published: [],
    ...changes,
  });

  it("tags a snapshot, and shares it where the image is published", async () => {
    begin({});
    const share = ["222233334444"];
    assert.deepEqual(await awsSnapshotsStep.create(input({ share })), { tagKeys: ["release"] });
    assert.deepEqual([there().tags, there().sharedWith], [{ release: "3.23.6" }, []]);
    const result = await awsSnapshotsStep.update(input({ share, published: [region] }), { tagKeys: [] });
    assert.match(result.published ?? "", /^2\d{3}-/);
    assert.deepEqual(there().sharedWith, share);
  });

  it("takes back what a run had shared that was cut off, and recorded nothing", async () => {
    begin({ sharedWith: ["all", "222233334444"] });
    await awsSnapshotsStep.update(input({ share: ["all"], published: [] }), { tagKeys: [] });
    assert.deepEqual(there().sharedWith, []);
  });

  it("changes nothing where all is as it should be", async () => {
    begin({ sharedWith: ["all"], tags: { release: "3.23.6" } });
    await awsSnapshotsStep.update(input({ share: ["all"], published: [region] }), { tagKeys: ["release"] });
    assert.ok(!aws.cloud.takeActions().includes("ModifySnapshotAttribute"));
  });

  it("takes away tags that it gave and that are declared no more, and no others", async () => {
    begin({ tags: { release: "3.23.5", old: "1", "alpine:owner": "p/s/i" } });
    await awsSnapshotsStep.update(input({}), { tagKeys: ["release", "old"] });
    assert.deepEqual(there().tags, { release: "3.23.6", "alpine:owner": "p/s/i" });
  });
});
