import assert from "node:assert/strict";
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  closeSync,
  openSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type * as BaseTree from "../../../src/builder/base-tree.ts";
import type * as MadeFiles from "../../../src/builder/made-files.ts";
import { type ProjectCopy, projectCopy } from "../../helpers/project-copy.ts";
import { rejectsWith } from "../../helpers/errors.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";

const key = "ab".repeat(32);

describe("what builds have made before", () => {
  let copy: ProjectCopy;
  let made: typeof MadeFiles;
  let folder: string;

  before(async () => {
    copy = projectCopy();
    made = await copy.load<typeof MadeFiles>("src/builder/made-files.ts");
    folder = join(copy.root, "work/cache/initramfs");
  });
  beforeEach(() => rmSync(folder, { recursive: true, force: true }));

  it("is found again by its key, and by no other", async () => {
    await made.keepContent("initramfs", key, Buffer.from("content"));
    const file = await made.findMade("initramfs", key);
    assert.equal(readFileSync(file!, "utf8"), "content");
    assert.equal(await made.findMade("initramfs", "cd".repeat(32)), undefined);
    assert.equal(await made.findMade("base", key), undefined);
  });

  it("is dropped when a byte of it is another", async () => {
    await made.keepContent("initramfs", key, Buffer.from("content"));
    appendFileSync(join(folder, key), "x");
    assert.equal(await made.findMade("initramfs", key), undefined);
    assert.deepEqual(readdirSync(folder), []);
  });

  it("does not count when whoever kept it was killed before its digest was written", async () => {
    await made.keepContent("initramfs", key, Buffer.from("content"));
    rmSync(join(folder, `${key}.sha256`));
    assert.equal(await made.findMade("initramfs", key), undefined);
  });

  it("takes a file, which is moved", async () => {
    const file = join(temporaryFolder(), "made");
    writeFileSync(file, "content");
    await made.keepMade("base", key, file);
    assert.equal(existsSync(file), false);
    assert.equal(readFileSync((await made.findMade("base", key))!, "utf8"), "content");
  });

  it("is not asked for by a path", async () => {
    await assert.rejects(made.findMade("initramfs", "../../packages/x"), /not the key/);
    await assert.rejects(made.keepContent("initramfs", key.toUpperCase(), Buffer.alloc(0)), /not the key/);
  });
});

describe("the base tree", () => {
  let trees: typeof BaseTree;
  const variant = {
    arch: "x86_64",
    basePackages: ["alpine-base", "linux-virt"],
    releaseDate: "2026-09-17",
  } as const;
  const repositories = [{ declaredUrl: "https://dl-cdn.alpinelinux.org/alpine/v3.23/main", digest: "1" }];
  const keyOf = (
    changes: object = {},
    indexes: typeof repositories = repositories,
    digest = "appliance",
  ): string =>
    trees.baseTreeKey({ ...variant, basePackages: [...variant.basePackages], ...changes }, indexes, {
      digest,
    });

  before(async () => {
    trees = await projectCopy().load<typeof BaseTree>("src/builder/base-tree.ts");
  });

  it("has one key for the same, and others for other packages, dates, indexes and appliances", () => {
    assert.equal(keyOf(), keyOf());
    assert.match(keyOf(), /^[0-9a-f]{64}$/);
    const others = [
      keyOf({ arch: "aarch64" }),
      keyOf({ basePackages: ["alpine-base"] }),
      keyOf({ releaseDate: "2026-09-18" }),
      keyOf({}, [{ ...repositories[0]!, digest: "2" }]),
      keyOf({}, [...repositories, ...repositories]),
      keyOf({}, repositories, "another"),
    ];
    assert.equal(new Set([keyOf(), ...others]).size, others.length + 1);
  });

  it("is made by the first who wants it, while others wait, and had by them then", async () => {
    const scratch = temporaryFolder();
    const first = await trees.openBaseTree(key, scratch, true);
    assert.equal(first.missing, true);
    let had: BaseTree.BaseTree | undefined;
    const second = trees.openBaseTree(key, temporaryFolder(), true).then((tree) => (had = tree));
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(had, undefined, "it did not wait");
    assert.ok(statSync(first.file).size > 2 ** 30, "a base tree may not fit");
    const file = openSync(first.file, "r+");
    const packed = Buffer.alloc(10_240, "packed");
    writeSync(file, packed);
    closeSync(file);
    for (const length of [-5, 0, 6, 10_240.5, Number.NaN, 2 ** 33 + 1]) {
      const expected = { code: "guest-no-report", where: undefined } as const;
      await rejectsWith(first.keep(length), expected);
    }
    await first.keep(packed.length);
    // Its guest may still write the file that it has.
    writeFileSync(first.file, "changed");
    await first.release();
    assert.equal((await second).missing, false);
    assert.ok(readFileSync((await second).file).equals(packed));
  });

  it("is made by the next when the first fails", async () => {
    const other = "cd".repeat(32);
    const first = await trees.openBaseTree(other, temporaryFolder(), true);
    await first.release();
    const second = await trees.openBaseTree(other, temporaryFolder(), true);
    assert.equal(second.missing, true);
    await second.release();
  });

  it("is made in any case without the cache, and kept to the one build", async () => {
    const tree = await trees.openBaseTree(key, temporaryFolder(), false);
    assert.equal(tree.missing, true);
    await tree.keep(10_240);
    assert.equal(existsSync(tree.file), true);
    await tree.release();
  });
});
