import assert from "node:assert/strict";
import { mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type * as CacheLimit from "../../../src/builder/cache-limit.ts";
import { type ProjectCopy, projectCopy } from "../../helpers/project-copy.ts";

const mib = 2 ** 20;
const hour = 3600;

describe("the cache's limit", () => {
  let copy: ProjectCopy;
  let cache: typeof CacheLimit;
  before(async () => {
    copy = projectCopy();
    cache = await copy.load<typeof CacheLimit>("src/builder/cache-limit.ts");
  });
  beforeEach(() => rmSync(join(copy.root, "work"), { recursive: true, force: true }));

  /** A file of a MiB that was last used so long ago. */
  function put(name: string, hoursAgo: number): void {
    const file = join(copy.root, "work/cache", name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, Buffer.alloc(mib, 1));
    const used = Date.now() / 1000 - hoursAgo * hour;
    utimesSync(file, used, used);
    if (name.split("/").length > 2) utimesSync(dirname(file), used, used);
  }

  const left = (): string[] =>
    readdirSync(join(copy.root, "work/cache"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name)
      .sort();

  it("deletes what was used longest ago, and no more than needed", () => {
    put("packages/a.apk", 5);
    put("base/b", 3);
    put("initramfs/c", 4);
    put("packages/d.apk", 2);
    assert.equal(cache.trimCache(2 * mib + 8192), 2 * mib);
    assert.deepEqual(left(), ["b", "d.apk"]);
  });

  it("deletes an appliance as a whole", () => {
    put("appliance/x86_64-1/kernel", 5);
    put("appliance/x86_64-1/appliance.cpio", 5);
    put("packages/a.apk", 2);
    cache.trimCache(2 * mib + 8192);
    assert.deepEqual(left(), ["a.apk"]);
  });

  it("leaves what running builds may want, and everything within the limit", () => {
    put("packages/new.apk", 0.5);
    put("packages/old.apk", 9);
    assert.equal(cache.trimCache(3 * mib), 0);
    cache.trimCache(1);
    assert.deepEqual(left(), ["new.apk"]);
  });

  it("knows what is used again", () => {
    put("base/a", 9);
    put("base/b", 8);
    cache.markUsed(join(copy.root, "work/cache/base/a"));
    cache.markUsed(join(copy.root, "work/cache/base/gone"));
    cache.trimCache(mib + 8192);
    assert.deepEqual(left(), ["a"]);
  });

  it("keeps its hands off locks, slots and answers", () => {
    put("base/x.lock", 9);
    put("slots/1", 9);
    put("accelerator-probes.json", 9);
    assert.equal(cache.trimCache(0), 0);
    assert.equal(left().length, 3);
  });
});
