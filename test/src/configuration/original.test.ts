/** The project's own layers against what the original really resolved (see original.expected.yaml). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { matches, type Match } from "../../../src/configuration/schema.ts";
import type { Variant } from "../../../src/configuration/variant.ts";
import { repository as root } from "./project.ts";
import { loadVariants, variantSchema } from "../../helpers/configuration.ts";

type Expected = Record<string, { value: unknown; images?: Match[] }[]>;

const expected = parse(readFileSync(new URL("original.expected.yaml", import.meta.url), "utf8")) as Expected;
const ledgerFile = "test/src/configuration/original.releases.yaml";

/** `<release>` and the like filled in with the image's own. */
const own = (value: unknown, { dimensions, release }: Variant): unknown =>
  JSON.parse(
    JSON.stringify(value).replace(/<(\w+)>/g, (_, word: string) =>
      word === "release" ? release : dimensions[word]!,
    ),
  );

describe("the original's images", () => {
  const variants = loadVariants({ root, ledgerFile });

  it("are 6 + 30 + 30 + 30, aws only for 3.17", () => {
    const count = (version: string) => variants.filter((variant) => variant.version === version).length;
    assert.deepEqual(["3.17", "3.18", "3.19", "3.20"].map(count), [6, 30, 30, 30]);
    assert.deepEqual([...new Set(variants.filter((v) => v.version === "3.17").map((v) => v.cloud))], ["aws"]);
  });

  it("are the same, field by field", () => {
    let compared = 0;
    for (const [field, cases] of Object.entries(expected)) {
      for (const variant of variants) {
        const found = cases.filter(
          ({ images }) => images?.some((rule) => matches(rule, variant.dimensions)) ?? true,
        );
        assert.equal(found.length, 1, `${field} of ${variant.imageKey} is expected once`);
        const ours = (variant as Record<string, unknown>)[field] ?? null;
        assert.deepEqual(ours, own(found[0]!.value, variant), `${field} of ${variant.imageKey}`);
        compared++;
      }
    }
    assert.equal(compared, 96 * Object.keys(expected).length);
    assert.ok(compared > 3500, String(compared));
  });

  it("are what the schema of a variant says", () => {
    for (const variant of variants) assert.deepEqual(variantSchema.parse(variant), variant);
  });

  it("leave no field uncompared but those that say the same in other words", () => {
    const fields = new Set(variants.flatMap((variant) => Object.keys(variant)));
    const rest = [...fields].filter((field) => !(field in expected)).sort();
    assert.deepEqual(rest, [
      "arch",
      // The original has these in its code.
      "aws",
      "basePackages",
      "bootstrap",
      "cloud",
      "dimensions",
      "firmware",
      "origins",
      "releaseDate",
      "titles",
      "version",
    ]);
  });
});

describe("the original's images with overlay testing", () => {
  const variants = loadVariants({ root, ledgerFile });
  const testing = loadVariants({
    root,
    ledgerFile: "test/src/configuration/original-testing.releases.yaml",
    overlays: ["overlays/testing"],
  });
  const find = (key: string) => testing.find(({ imageKey }) => imageKey === key)!;

  it("are 192: each as vm and as metal, and keys end with the machine", () => {
    assert.equal(testing.length, 192);
    const keys = variants.flatMap(({ imageKey }) => [`${imageKey}-metal`, `${imageKey}-vm`]).sort();
    assert.deepEqual(testing.map(({ imageKey }) => imageKey).sort(), keys);
    assert.ok(find("3.19.1-x86_64-uefi-tiny-aws-metal"));
  });

  it("are private, of another project and name, in two AWS regions and nowhere else", () => {
    for (const { project, name, access, regions, cloud } of testing) {
      assert.equal(project, "alpine-cloud-images__test");
      assert.match(name, /^test-3\.[\d.]+-/);
      assert.deepEqual(access, { PUBLIC: false });
      const two = { "us-east-1": true, "us-west-2": true };
      assert.deepEqual(regions, { ALL: false, ...(cloud === "aws" ? two : {}) });
    }
    const { name, description } = find("3.19.1-x86_64-uefi-tiny-aws-metal");
    assert.equal(name, "test-3.19.1-x86_64-uefi-tiny-metal-r0");
    assert.equal(description, "Alpine Test 3.19.1 - https://alpinelinux.org/cloud");
    assert.equal(find("3.19.1-x86_64-uefi-tiny-aws-vm").name, "test-3.19.1-x86_64-uefi-tiny-r0");
  });

  it("have on metal linux-lts without firmware, and room for it", () => {
    for (const metal of testing.filter(({ dimensions }) => dimensions.machine === "metal")) {
      const vm = find(metal.imageKey.replace(/metal$/, "vm"));
      const add = vm.packages.add.filter((name) => name !== "linux-virt");
      assert.deepEqual(metal.packages, { ...vm.packages, add: [...add, "linux-lts", "linux-firmware-none"] });
      assert.ok(metal.diskSizeMib > vm.diskSizeMib);
      assert.equal(metal.titles.machine, "Bare Metal");
    }
  });

  it("are else the same as without, as vm", () => {
    for (const variant of variants) {
      const vm = find(`${variant.imageKey}-vm`);
      const same = (of: Variant) => {
        const {
          imageKey,
          configKey,
          name,
          description,
          project,
          dimensions,
          access,
          regions,
          titles,
          ...rest
        } = of;
        const { releaseCommand, ...compared } = rest;
        return [
          compared,
          imageKey && configKey && name && description && project && releaseCommand ? 1 : 0,
          !!(dimensions && access && regions && titles),
        ];
      };
      assert.deepEqual(same(vm), same(variant));
    }
  });
});
