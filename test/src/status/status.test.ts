import { clouds } from "../../../clouds/registry.ts";
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { status, type StatusOptions } from "../../../src/status/status.ts";
import type { ImageProgress } from "../../../src/status/progress.ts";
import type { Output } from "../../../src/lib/command.ts";
import { project } from "../configuration/project.ts";
import { rejectsWith } from "../../helpers/errors.ts";

const type = "command:local:Command";

/** A project whose 16 images are at stage local, some of them built. */
function start(...built: string[]): StatusOptions {
  const resources = built.map((key) => ({ urn: `urn:pulumi:dev::alpine::${type}::${key}-disk`, type }));
  const root = project({ "Pulumi.dev.yaml": "config: {}\n" });
  const file = join(root, "state.json");
  writeFileSync(file, JSON.stringify({ version: 3, deployment: { resources } }));
  return { root, stack: ["dev"], state: [file] };
}

/** What is printed, and the exit code that it would end with. */
async function printed(options: StatusOptions): Promise<Output & { code: string | number | undefined }> {
  const before = process.exitCode;
  process.exitCode = undefined;
  try {
    return { ...(await status(options, clouds)), code: process.exitCode };
  } finally {
    process.exitCode = before;
  }
}

const image = "3.19.1-x86_64-bios-tiny-aws-r0";

describe("npm run status", () => {
  it("shows a row for each image, the sum, and ends with 2 where something is pending", async () => {
    const { text, code } = await printed({ ...start(image), only: ["x86_64", "bios", "tiny"] });
    assert.equal(
      text,
      [
        "stack  image                             stage  built  stored  imported  signed  copies  snapshots  shared  channel  described",
        "dev    3.19.1-x86_64-bios-tiny-aws-r0    local  yes",
        "dev    3.19.1-x86_64-bios-tiny-azure-r0  local  no                                                                              pending: not built",
        "2 images: 2 at local; 1 pending",
      ].join("\n"),
    );
    assert.equal(code, 2);
  });

  it("ends with 0 where nothing is, and has it all as JSON", async () => {
    const { text, code } = await printed({ ...start(image), only: [image], json: true });
    assert.equal(code, undefined);
    const expected: ImageProgress = {
      stack: "dev",
      key: image,
      stage: "local",
      built: true,
      bestEffort: [],
      leftOver: [],
      pending: [],
    };
    assert.deepEqual(JSON.parse(text), [expected]);
  });

  it("says what it can't know", async () => {
    const { warnings } = await printed({ ...start(), skip: ["gentoo"] });
    assert.deepEqual(warnings, ['no image has the word "gentoo"']);
    const { root } = start();
    await rejectsWith(status({ root, stack: ["nowhere"] }, clouds), {
      code: "stack-file-missing",
      where: "Pulumi.nowhere.yaml",
    });
    await rejectsWith(status({ root, state: ["x"] }, clouds), { code: "usage", where: "--state" });
    const file = join(root, "Pulumi.dev.yaml");
    const broken = { ...start(), state: [file] };
    await rejectsWith(status(broken, clouds), { code: "stack-export-invalid", where: file });
  });
});
