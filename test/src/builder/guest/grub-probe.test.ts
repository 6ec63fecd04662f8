/** What grub-mkconfig asks grub-probe, as GRUB 2.06 and 2.12 do. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { projectRoot } from "../../../helpers/project-copy.ts";

const answers: [string, string | undefined][] = [
  ["--target=device /", "LABEL=/\n"],
  ["--target=device /boot", "LABEL=/\n"],
  ["--device LABEL=/ --target=fs", "ext2\n"],
  ["-t fs /usr/share/grub/unicode.pf2", "ext2\n"],
  ["--device LABEL=/ --target=partmap", "gpt\n"],
  ["--device LABEL=/ --target=abstraction", ""],
  ["-t abstraction /usr/share/grub/unicode.pf2", ""],
  ["--device LABEL=/ --target=compatibility_hint", ""],
  ["--device LABEL=/ --target=fs_label", "/\n"],
  ["--device LABEL=/ --target=fs_uuid", undefined],
  ["--device LABEL=/ --target=partuuid", undefined],
  ["--device LABEL=/ --target=hints_string", undefined],
  ["--device LABEL=/ --target=cryptodisk_uuid", undefined],
  ["-t drive /boot", undefined],
];

describe("grub-probe's stand-in", () => {
  for (const [question, answer] of answers) {
    it(`${answer === undefined ? "fails at" : "answers"} ${question}`, () => {
      const script = join(projectRoot, "src/builder/guest/grub-probe");
      const { status, stdout, stderr } = spawnSync("sh", [script, ...question.split(" ")], {
        encoding: "utf8",
      });
      assert.deepEqual(
        { status, stdout, stderr },
        { status: answer === undefined ? 1 : 0, stdout: answer ?? "", stderr: "" },
      );
    });
  }
});
