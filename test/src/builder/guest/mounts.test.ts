/** Which guest scripts mount filesystems: a process in a user namespace cannot. */
import assert from "node:assert/strict";
import { guestScripts } from "../../../../src/builder/job.ts";

/** Scripts whose own commands have `mount` or `umount` among them. */
function mounting(scripts: Record<string, string>): string[] {
  const command = /(^|[;&|(!{]|\b(do|then|else)\b)\s*u?mount\s/m;
  return Object.entries(scripts)
    .filter(([, script]) => command.test(script.replace(/^\s*#.*$/gm, "")))
    .map(([name]) => name)
    .sort();
}

describe("guest scripts", () => {
  it("mount nothing while they configure a bootloader or make a disk", () => {
    const scripts = Object.entries(guestScripts()).map(([name, script]) => [name, script.toString()]);
    assert.deepEqual(mounting(Object.fromEntries(scripts) as Record<string, string>), [
      "build-disk",
      "init",
      "install-base",
      "make-appliance",
      "tree-functions",
    ]);
  });

  it("are found to mount something, wherever in a line they do", () => {
    const lines = {
      first: "set -eu\nmount -t proc proc /proc\n",
      indented: "run() {\n  umount /mnt\n}\n",
      after: "true && mount /a",
      then: "if true; then mount /a; fi",
      comment: "# mount /a\n  # umount /b\n",
      word: "echo amount mount-point remount",
    };
    assert.deepEqual(mounting(lines), ["after", "first", "indented", "then"]);
  });
});
