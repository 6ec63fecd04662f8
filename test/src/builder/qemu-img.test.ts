import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { qemuImg } from "../../../src/builder/qemu-img.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";
import { rejectsWith } from "../../helpers/errors.ts";

describe("qemu-img", () => {
  it("says what is missing where it is not installed", async () => {
    const { PATH } = process.env;
    process.env["PATH"] = temporaryFolder();
    try {
      await rejectsWith(qemuImg("info", "x"), { code: "tool-missing", where: "qemu-img" });
    } finally {
      process.env["PATH"] = PATH;
    }
  });

  it("says what it failed of", async () => {
    const file = join(temporaryFolder(), "image.qcow2");
    writeFileSync(file, "no image");
    await rejectsWith(qemuImg("info", "-f", "qcow2", file), {
      code: "tool-failed",
      where: "qemu-img info",
      text: /image\.qcow2/,
    });
  });
});
