import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Ended, runProgram } from "../helpers/processes.ts";
import { type ProjectCopy, projectCopy } from "../helpers/project-copy.ts";
import { diskResult } from "../helpers/results.ts";

describe("the entry point of tracked commands", function () {
  this.timeout(20_000);
  let copy: ProjectCopy;
  before(() => (copy = projectCopy()));

  const step = (operation: string, variables: Record<string, string>, node = "node"): Promise<Ended> =>
    runProgram("sh", ["-c", `exec ${node} scripts/step.ts ${operation}`], {
      cwd: copy.root,
      env: { ...process.env, ...variables },
    });

  for (const [node, when] of [
    ["node", "today's command line"],
    // Stacks that were made before Node ran TypeScript by itself have this one in their states.
    ["node --import tsx", "the command line of old states"],
  ] as const) {
    it(`prints a step's result as one line of JSON, and takes it back to delete, by ${when}`, async () => {
      const file = "work/images/test/image.qcow2";
      mkdirSync(join(copy.root, file, ".."), { recursive: true });
      writeFileSync(join(copy.root, file), "the image");
      const disk = diskResult({ file, sha512: createHash("sha512").update("the image").digest("hex") });
      const variables = {
        ALPINE_STEP: "artifact",
        ALPINE_STEP_INPUT: JSON.stringify({ storageUrl: "file://storage", disk }),
      };
      const made = await step("create", variables, node);
      assert.deepEqual([made.code, made.stderr], [0, ""]);
      assert.match(made.stdout, /^\{[^\n]*\}\n$/);
      assert.equal((JSON.parse(made.stdout) as { name: string }).name, "image.qcow2");
      assert.ok(readdirSync(join(copy.root, "storage")).includes("image.qcow2"));

      const gone = await step("delete", { ...variables, PULUMI_COMMAND_STDOUT: made.stdout }, node);
      assert.deepEqual(gone, { code: 0, stdout: "", stderr: "" });
      assert.deepEqual(readdirSync(join(copy.root, "storage")), []);
    });
  }

  it("ends with one message, exit code 1 and nothing on stdout for what it does not know", async () => {
    const { code, stdout, stderr } = await step("create", { ALPINE_STEP: "unknown" });
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^error: step 'unknown' with operation 'create' is unknown\n {2}→ .*\n$/);
  });
});
