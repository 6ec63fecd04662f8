import assert from "node:assert/strict";
import { countsOf } from "../../../src/configuration/counts.ts";
import type { DeclaredImage, Stage } from "../../../src/configuration/variant.ts";
import { someVariant } from "../../helpers/variant.ts";

const image = (stage: Stage, ...regions: string[]): DeclaredImage => ({
  key: stage,
  variant: someVariant(),
  state: { stage, added: "2026-11-01", withdraw: false, removing: false, place: "" },
  regions: regions.map((name) => ({ name, bestEffort: false })),
});

describe("a stack's counts", () => {
  const images = [
    image("release", "a", "b"),
    image("import", "a"),
    image("publish", "b"),
    image("release", "a"),
  ];

  it("are of images by stage, and by region where they are published", () => {
    assert.deepEqual(countsOf(images, "release"), {
      stages: { import: 1, publish: 1, release: 2 },
      regions: { a: 2, b: 2 },
    });
  });

  it("go by the stack's ceiling", () => {
    assert.deepEqual(countsOf(images, "publish").stages, { import: 1, publish: 3 });
    assert.deepEqual(countsOf(images, "import"), { stages: { import: 4 }, regions: {} });
    assert.deepEqual(countsOf([], "release"), { stages: {}, regions: {} });
  });
});
