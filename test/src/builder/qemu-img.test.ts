import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { qemuImg } from "../../../src/builder/qemu-img.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";

describe("qemu-img", () => {
  it("says what is missing where it is not installed", async () => {
    const { PATH } = process.env;
    process.env["PATH"] = temporaryFolder();
    try {
      await assert.rejects(qemuImg("info", "x"), {
        name: "UserError",
        message: /^qemu-img was not found\n {2}→ npm run bootstrap installs it/,
      });
    } finally {
      process.env["PATH"] = PATH;
    }
  });

  it("says what it failed of", async () => {
    const file = join(temporaryFolder(), "image.qcow2");
    writeFileSync(file, "no image");
    await assert.rejects(qemuImg("info", "-f", "qcow2", file), {
      name: "UserError",
      message: /^qemu-img info failed: .*image\.qcow2.*\n {2}→ see whether the file is whole/,
    });
  });
});
