import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { clouds } from "../../clouds/registry.ts";
import { projectRoot } from "../../src/lib/workspace.ts";

describe("the registry of clouds", () => {
  it("has every folder's cloud, by the folder's name", () => {
    const folders = readdirSync(join(projectRoot, "clouds"), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
    assert.deepEqual(clouds.map(({ name }) => name).sort(), folders.sort());
  });

  // A cloud whose images never use cloud-init needs no line there.
  it("has the data source that setup-cloudinit writes into images of a cloud", () => {
    const script = readFileSync(join(projectRoot, "src/builder/guest/scripts/setup-cloudinit"), "utf8");
    const written = [...script.matchAll(/^ {2}(\w+)\) source=(\w+) ;;$/gm)].map(([, name, source]) => [
      name,
      source,
    ]);
    assert.ok(written.length > 0);
    for (const [name, source] of written) {
      assert.equal(clouds.find((cloud) => cloud.name === name)?.dataSource, source, name);
    }
  });

  it("has steps whose names begin with their cloud's, and are known once", () => {
    const names = clouds.flatMap(({ name, publishing }) =>
      Object.keys(publishing?.steps ?? {}).map((step) => [name, step] as const),
    );
    for (const [cloud, step] of names) assert.ok(step.startsWith(`${cloud}-`), step);
    assert.equal(new Set(names.map(([, step]) => step)).size, names.length);
  });
});
