import assert from "node:assert/strict";
import { releaseLines } from "../../../src/configuration/release-lines.ts";
import type { DeclaredImage, ImageState } from "../../../src/configuration/variant.ts";
import { someVariant } from "../../helpers/variant.ts";

const image = (key: string, state: Partial<ImageState> = {}, regions = ["a", "b"]): DeclaredImage => ({
  key,
  variant: someVariant({ configKey: "3.23-x86_64-bios-tiny-nocloud" }),
  state: { stage: "release", added: "2026-11-01", withdraw: false, removing: false, place: "", ...state },
  regions: regions.map((name) => ({ name, bestEffort: false })),
});
const targets = (...images: DeclaredImage[]): Record<string, string> =>
  Object.fromEntries(
    releaseLines(images, "release").flatMap((line) =>
      [...line.targets].map(([region, { key }]) => [region, key] as const),
    ),
  );

describe("a line's channel", () => {
  it("points to the newest released image in each region", () => {
    assert.deepEqual(targets(image("r0"), image("r1")), { a: "r1", b: "r1" });
    assert.deepEqual(targets(image("r0"), image("r1", {}, ["b", "c"])), { a: "r0", b: "r1", c: "r1" });
    assert.deepEqual(targets(image("r0"), image("r1", { stage: "publish" })), { a: "r0", b: "r0" });
    assert.deepEqual(targets(image("r0", { stage: "publish" })), {});
  });

  it("prefers what is not retired, and takes what leaves only where nothing else is left", () => {
    const retired = { retired: "2027-01-01" };
    assert.deepEqual(targets(image("r0"), image("r1", retired)), { a: "r0", b: "r0" });
    assert.deepEqual(targets(image("r0", retired), image("r1", retired)), { a: "r1", b: "r1" });
    assert.deepEqual(targets(image("r0", retired), image("r1", { withdraw: true })), { a: "r0", b: "r0" });
    assert.deepEqual(targets(image("r0", { removing: true })), { a: "r0", b: "r0" });
  });

  it("is of one version, architecture, firmware and bootstrap", () => {
    const [line] = releaseLines([image("r0")], "release");
    assert.equal(line?.key, "3.23-x86_64-bios-tiny-nocloud");
    assert.equal(line?.path, "3.23/x86_64/bios/tiny");
    assert.deepEqual(releaseLines([image("r0")], "publish"), []);
  });
});
