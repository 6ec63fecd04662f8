import assert from "node:assert/strict";
import { clouds } from "../../../../clouds/registry.ts";
import { preflight } from "../../../../src/preflight/preflight.ts";
import { imageIds } from "../../../../clouds/aws/preflight/recorded.ts";
import { defined } from "../../../../src/lib/defined.ts";
import { project } from "../../../src/configuration/project.ts";

describe("npm run preflight", () => {
  it("says so where a stack brings no image to AWS, and asks nobody", async () => {
    const root = project({ "Pulumi.dev.yaml": "config: { alpine:stage: upload }\n" });
    const { text } = await preflight({ root, stack: "dev" }, clouds);
    assert.equal(text, "stack dev brings no image to a cloud (stage upload): nothing to check");
    assert.equal((await preflight({ root, stack: "dev", json: true }, clouds)).text, "[]");
  });

  it("knows the AMIs of a state, imported and copied", () => {
    const resource = (type: string, id?: string) => ({
      urn: `urn:pulumi:dev::alpine::${type}::x`,
      type,
      ...defined({ id }),
    });
    const state = [
      resource("aws:ec2/ami:Ami", "ami-1"),
      resource("aws:ec2/amiCopy:AmiCopy", "ami-2"),
      resource("aws:ec2/ami:Ami"),
      resource("aws:ebs/snapshotImport:SnapshotImport", "snap-1"),
    ];
    assert.deepEqual([...imageIds(state)], ["ami-1", "ami-2"]);
  });
});
