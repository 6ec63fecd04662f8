import { clouds } from "../../../clouds/registry.ts";
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { nameOf, typeOf } from "../../../src/stacks/state.ts";
import { resourcesIn, targets, targetsFor, type RelatedResource } from "../../../src/stacks/targets.ts";
import { project } from "../configuration/project.ts";
import { rejectsWith } from "../../helpers/errors.ts";

const prefix = "urn:pulumi:test::alpine::";
const stack = `${prefix}pulumi:pulumi:Stack::alpine-test`;
const urn = (type: string, name: string) => `${prefix}${type}::${name}`;
const image = (key: string): RelatedResource[] => {
  const variant = urn("alpine:index:ImageVariant", key);
  const disk = urn("alpine:index:ImageVariant$command:local:Command", key);
  return [
    { urn: variant, parent: stack },
    { urn: disk, parent: variant, provider: `${urn("pulumi:providers:command", "default_1_2_1")}::id` },
    {
      urn: urn("alpine:index:ImageVariant$aws:ec2/ami:Ami", `${key}-ami`),
      parent: variant,
      provider: `${urn("pulumi:providers:aws", "regional")}::7c`,
      dependencies: [disk, urn("aws:s3/bucket:Bucket", "imports")],
      propertyDependencies: { role: [urn("aws:iam/role:Role", "vmimport")] },
    },
    { urn: urn("alpine:index:ImageVariant$x:y:Z", `copy of ${key}`), parent: variant },
  ];
};
const shared: RelatedResource[] = [
  { urn: stack },
  { urn: urn("pulumi:providers:command", "default_1_2_1") },
  { urn: urn("pulumi:providers:aws", "regional"), parent: stack },
  { urn: urn("aws:s3/bucket:Bucket", "imports"), dependencies: [urn("aws:kms/key:Key", "key")] },
  { urn: urn("aws:kms/key:Key", "key") },
  { urn: urn("aws:iam/role:Role", "vmimport") },
  { urn: urn("aws:s3/bucket:Bucket", "unrelated") },
];
const key = "3.19.1-x86_64-bios-tiny-aws-r0";
const other = "3.19.1-x86_64-bios-tiny-azure-r0";
const resources = [...shared, ...image(key), ...image(other), ...image(`${key}1`)];
const state = JSON.stringify({
  deployment: { resources: resources.map((resource) => ({ ...resource, type: typeOf(resource.urn) })) },
});

describe("npm run targets", () => {
  it("names an image's resources and what they depend on, and no other image's", () => {
    const found = targetsFor([key], resources);
    const names = found.map(nameOf);
    assert.deepEqual(
      [...names].sort(),
      [key, key, `${key}-ami`, `copy of ${key}`, "imports", "key", "regional", "vmimport"].sort(),
    );
    assert.ok(found.every((one) => !one.includes("r01") && !one.includes("azure")));
    assert.deepEqual(found, [...new Set(found)].sort());
  });

  it("reads states and previews alike", () => {
    const steps = resources.map((resource, i) => ({
      op: "create",
      urn: resource.urn,
      [i % 2 ? "newState" : "oldState"]: resource,
    }));
    assert.deepEqual(
      targetsFor([key], resourcesIn(state)!),
      targetsFor([key], resourcesIn(JSON.stringify({ steps }))!),
    );
  });

  it("prints arguments for a stack's selection", async () => {
    const root = project({ "Pulumi.test.yaml": "config: {}" });
    const from = join(root, "state.json");
    writeFileSync(from, state);
    const options = { root, stack: "test", from, only: ["x86_64", "bios", "tiny"], skip: ["azure"] };
    const lines = (await targets(options, clouds)).text.split("\n");
    assert.equal(lines.length, 8);
    assert.ok(lines.every((line) => /^--target urn:pulumi:test::alpine::\S/.test(line)));
    assert.ok((await targets({ ...options, urns: true }, clouds)).text.startsWith("urn:"));
    const where = "stack test";
    await rejectsWith(targets({ ...options, only: ["aws"] }, clouds), {
      code: "stack-resources-missing",
      where,
      text: /and 6 more/,
    });
    const missing = join(root, "nowhere.json");
    await rejectsWith(targets({ ...options, from: missing }, clouds), {
      code: "file-unreadable",
      where: missing,
    });
    const other = join(root, "Pulumi.test.yaml");
    await rejectsWith(targets({ ...options, from: other }, clouds), {
      code: "stack-export-invalid",
      where: other,
    });
    await rejectsWith(targets({ ...options, only: ["nothing"] }, clouds), { code: "selection-empty", where });
  });
});
