import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type * as Workspace from "../../../src/lib/workspace.ts";
import { endedProcess } from "../../helpers/processes.ts";
import { projectCopy } from "../../helpers/project-copy.ts";

describe("scratch folders", () => {
  it("are new, empty and this process's own", async () => {
    const { scratchFolder } = await projectCopy().load<typeof Workspace>("src/lib/workspace.ts");
    const [one, two] = [scratchFolder("build"), scratchFolder("build")];
    assert.notEqual(one, two);
    assert.ok(basename(one).startsWith(`${process.pid}-build-`));
    assert.deepEqual(readdirSync(one), []);
  });

  it("of processes that are gone are swept away; others stay", async () => {
    const { scratchFolder, workFolder } = await projectCopy().load<typeof Workspace>("src/lib/workspace.ts");
    const own = scratchFolder("build");
    const folder = (pid: number): string => {
      const made = join(dirname(own), `${pid}-build-abcdef`);
      mkdirSync(join(made, "deep"), { recursive: true });
      writeFileSync(join(made, "deep/disk.raw"), "half");
      return made;
    };
    const gone = folder(endedProcess());
    // Process 1 may belong to somebody else, and runs as long as the machine does.
    const other = folder(1);
    const fresh = scratchFolder("boot");
    assert.equal(existsSync(gone), false);
    for (const stays of [own, other, fresh]) assert.ok(existsSync(stays), stays);
    assert.equal(dirname(own), join(workFolder, "tmp"));
  });
});
