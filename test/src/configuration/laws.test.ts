/** Laws of merging, resolving and compacting, over random input. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { compact, expand, parseLedger } from "../../../src/configuration/ledger.ts";
import { mergeLayers, mergeValue } from "../../../src/configuration/merge.ts";
import { resolve } from "../../../src/configuration/resolve.ts";
import { isSelected } from "../../../src/configuration/select.ts";
import { parseSource, plainSource } from "../../../src/configuration/source.ts";
import { least, project, repository, variants } from "./project.ts";
import { loadVariants, loadConfiguration, parseLayer } from "../../helpers/configuration.ts";
import { throwsError } from "../../helpers/errors.ts";

const key = fc.constantFrom("a", "b", "c", "d");
const scalar = fc.oneof(fc.boolean(), fc.integer({ min: 0, max: 3 }), fc.constantFrom("x", "y"));
const list = fc.array(scalar, { maxLength: 4 });
const map = fc.dictionary(key, fc.oneof(fc.boolean(), fc.constant(null)), {
  maxKeys: 4,
  noNullPrototype: true,
});
const deepMap = fc.dictionary(key, map, { maxKeys: 3, noNullPrototype: true });
const merge = (a: unknown, b: unknown) =>
  mergeValue(a, b, (message) => {
    throw new Error(message);
  });
const anyKind = fc.oneof(list, deepMap, scalar);
/** Three of one kind. */
const three = fc.oneof(
  fc.tuple(list, list, list),
  fc.tuple(deepMap, deepMap, deepMap),
  fc.tuple(scalar, scalar, scalar),
);

describe("merging", () => {
  it("is associative: it doesn't matter how layers are grouped", () => {
    const pure = fc.oneof(fc.tuple(list, list, list), fc.tuple(map, map, map));
    fc.assert(
      fc.property(pure, ([a, b, c]) => assert.deepEqual(merge(merge(a, b), c), merge(a, merge(b, c)))),
    );
  });

  it("adds: lists lose nothing and keep their order, maps take the later value and keep their keys' order", () => {
    fc.assert(fc.property(list, list, (a, b) => assert.deepEqual(merge(a, b), [...a, ...b])));
    fc.assert(
      fc.property(map, map, (a, b) => {
        const merged = merge(a, b) as typeof a;
        assert.deepEqual(merged, { ...a, ...b });
        assert.deepEqual(Object.keys(merged), [...new Set([...Object.keys(a), ...Object.keys(b)])]);
      }),
    );
  });

  it("leaves things as they are with nothing to add", () => {
    fc.assert(fc.property(list, (a) => assert.deepEqual([merge(a, []), merge([], a)], [a, a])));
    fc.assert(fc.property(deepMap, (a) => assert.deepEqual([merge(a, {}), merge({}, a)], [a, a])));
  });

  it("forgets with null: what follows stands alone", () => {
    fc.assert(
      fc.property(anyKind, anyKind, (a, b) => {
        assert.equal(merge(a, null), null);
        assert.deepEqual(merge(merge(a, null), b), b);
      }),
    );
  });

  it("changes neither of its arguments", () => {
    fc.assert(
      fc.property(three, ([a, b]) => {
        const before = JSON.stringify([a, b]);
        merge(a, b);
        assert.equal(JSON.stringify([a, b]), before);
      }),
    );
  });

  /** Two layers with these values of a field, which no schema has looked at. */
  const layered = (first: unknown, second: unknown) =>
    mergeLayers(
      Object.entries({ first, second }).map(([name, x]) => ({
        source: plainSource(name, { x }),
        data: { x },
      })),
      {},
    );

  it("refuses a map where there is a list, and a list where there is a map", () => {
    fc.assert(
      fc.property(list, deepMap, (a, b) => {
        const contradiction = { code: "layers-contradict", where: "second x" } as const;
        throwsError(() => layered(a, b), { ...contradiction, text: /into a list/ });
        throwsError(() => layered(b, a), { ...contradiction, text: /into a map/ });
      }),
    );
  });

  it("resets a field for what follows, whatever earlier layers said", () => {
    const layer = (data: object) => parseLayer(plainSource("layer", data));
    fc.assert(
      fc.property(fc.array(map, { maxLength: 4 }), map, (earlier, value) => {
        const layers = [
          ...earlier.map((regions) => layer({ regions })),
          layer({ reset: ["regions"], regions: value }),
        ];
        assert.deepEqual(mergeLayers(layers, {}).regions, value);
      }),
    );
  });
});

describe("resolving", () => {
  const original = "test/src/configuration/original.releases.yaml";

  it("is deterministic, between runs and between processes", () => {
    const code = `import("${repository}test/helpers/configuration.ts").then((m) => console.log(JSON.stringify(m.loadVariants({ root: "${repository}", ledgerFile: "${original}" }))))`;
    const elsewhere = execFileSync(process.execPath, ["-e", code], {
      cwd: repository,
      encoding: "utf8",
    });
    const here = (): string => JSON.stringify(loadVariants({ root: repository, ledgerFile: original }));
    assert.equal(here(), here());
    assert.equal(elsewhere, `${here()}\n`);
  }).timeout(30_000);

  it("doesn't depend on the order in which files were made, nor on the order of their keys", () => {
    const expected = JSON.stringify(variants());
    const names = Object.keys(least);
    fc.assert(
      fc.property(fc.shuffledSubarray(names, { minLength: names.length }), (order) => {
        const files = Object.fromEntries(order.map((name) => [name, least[name]!]));
        assert.equal(JSON.stringify(variants({}, { root: project({}, files) })), expected);
      }),
      { numRuns: 10 },
    );
    const defaults = least["configs/defaults.yaml"]!.trim().split("\n");
    fc.assert(
      fc.property(fc.shuffledSubarray(defaults, { minLength: defaults.length }), (lines) => {
        assert.equal(JSON.stringify(variants({ "configs/defaults.yaml": lines.join("\n") })), expected);
      }),
      { numRuns: 10 },
    );
  });

  it("never changes an entry's images when the configuration grows", () => {
    const root = project();
    const before = resolve(
      loadConfiguration(root),
      parseLedger(parseSource(least["configs/releases.yaml"]!, "l")),
    );
    const value = fc.record({
      dimension: fc.constantFrom("version", "arch", "firmware", "bootstrap", "cloud"),
      name: fc.constantFrom("3.20", "aardvark", "new", "zz9"),
    });
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 4 }), (added) => {
        const files = Object.fromEntries(
          added.map(({ dimension, name }) => [
            `configs/${dimension}/${name}.yaml`,
            "{ title: New, packages: { new: true } }",
          ]),
        );
        const config = loadConfiguration(project(files));
        const after = resolve(config, parseLedger(parseSource(least["configs/releases.yaml"]!, "l")));
        assert.deepEqual(after, before);
      }),
      { numRuns: 20 },
    );
  });
});

describe("the ledger's compact images", () => {
  const dimensions = ["arch", "firmware", "cloud"];
  const all = expand(
    { arch: ["x", "a", "r"], firmware: ["b", "u"], cloud: ["1", "2", "3", "4"] },
    dimensions,
  );
  const text = (images: readonly Record<string, string>[]) =>
    images.map((image) => Object.values(image).join("-")).sort();

  it("stand for the same images as were compacted, each once", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(all), (some) => {
        const blocks = compact(some, dimensions);
        assert.deepEqual(text(blocks.flatMap((block) => expand(block, dimensions))), text(some));
        assert.ok(blocks.length <= some.length);
      }),
    );
  });

  it("are one line for a whole product", () => {
    assert.equal(compact(all, dimensions).length, 1);
  });
});

describe("selecting", () => {
  const images = variants();
  const pattern = fc.constantFrom(
    "aws",
    "a*",
    "x86_64",
    "uefi",
    "3.19",
    "nothing",
    "*",
    "3.19.1-*-aws",
    "[ab]ios",
    "t{iny,all}",
  );

  it("narrows with every further pattern", () => {
    fc.assert(
      fc.property(
        fc.array(pattern, { maxLength: 3 }),
        fc.array(pattern, { maxLength: 3 }),
        pattern,
        (only, skip, more) => {
          for (const image of images) {
            const chosen = isSelected(image, { only, skip });
            assert.equal(
              isSelected(image, { only: [...only, more], skip }),
              chosen && isSelected(image, { only: [more] }),
            );
            assert.equal(
              isSelected(image, { only, skip: [...skip, more] }),
              chosen && isSelected(image, { skip: [more] }),
            );
          }
        },
      ),
    );
  });
});
