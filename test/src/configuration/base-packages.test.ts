import assert from "node:assert/strict";
import { least, pick, repository as root, variants } from "./project.ts";
import { loadVariants } from "../../helpers/configuration.ts";

const layers = (changes: Record<string, string>) =>
  variants({
    "configs/defaults.yaml": `${least["configs/defaults.yaml"]}packages: { base: true, kernel: true }`,
    ...changes,
  });

describe("packages that images have in common", () => {
  it("are those of all bootstraps and clouds, in their order", () => {
    const all = layers({
      "configs/bootstrap/tiny.yaml": "{ title: Tiny, packages: { tiny: true, shell: true } }",
      "configs/bootstrap/cloudinit.yaml":
        "{ title: cloud-init, packages: { cloud-init: true, shell: true } }",
      "configs/firmware/uefi.yaml": "{ title: UEFI, packages: { fat: true } }",
    });
    const bios = pick(all, "bios");
    assert.deepEqual(bios.basePackages, ["base", "kernel", "shell"]);
    assert.deepEqual(pick(all, "uefi").basePackages, ["base", "kernel", "fat", "shell"]);
    assert.ok(bios.basePackages.every((name) => bios.packages.add.includes(name)));
  });

  it("are none that one of the images deletes, takes from elsewhere or without scripts", () => {
    const all = layers({
      "configs/defaults.yaml": `${least["configs/defaults.yaml"]}packages: { a: true, b: true, c: true, d: true }`,
      "configs/cloud/aws.yaml": "{ title: AWS, packages: { a: false, b: null, c: --no-scripts } }",
    });
    for (const variant of all) assert.deepEqual(variant.basePackages, ["d"], variant.imageKey);
  });

  it("do not ask for images that are excluded", () => {
    const all = layers({
      "configs/cloud/azure.yaml":
        "{ title: Azure, packages: { kernel: false }, exclude: [{ firmware: bios }] }",
      "configs/releases.yaml": least["configs/releases.yaml"]!.replace("[aws, azure]", "aws"),
    });
    assert.deepEqual(pick(all, "bios").basePackages, ["base", "kernel"]);
    assert.deepEqual(pick(all, "uefi").basePackages, ["base"]);
  });

  it("depend on the layers alone, not on what a ledger names", () => {
    const whole = layers({});
    const part = layers({
      "configs/releases.yaml": least["configs/releases.yaml"]!.replace("[aws, azure]", "aws"),
    });
    assert.deepEqual(pick(part, "bios").basePackages, pick(whole, "bios").basePackages);
  });

  it("are the most part of an image of this project's own", () => {
    for (const { imageKey, basePackages, packages } of loadVariants({ root })) {
      assert.ok(basePackages.includes("alpine-base"), imageKey);
      assert.ok(
        basePackages.some((name) => /^linux-/.test(name)),
        imageKey,
      );
      assert.ok(
        basePackages.every((name) => packages.add.includes(name)),
        imageKey,
      );
    }
  });
});
