import assert from "node:assert/strict";
import { type Fleet, fleetTable } from "../../bench/fleet.ts";
import { differing, imagesTable, phasesOfImages } from "../../bench/images.ts";
import type { Measurement } from "../../bench/measure-build.ts";

function measurement(changes: Partial<Measurement> = {}): Measurement {
  return { image: "one", caches: "cold", hostMib: 200, buildSeconds: 50, sha512: "a", ...changes };
}

/** The cells of a table's row, by column. */
function cells(table: string, row: number): Record<string, string> {
  const [header = "", ...lines] = table.split("\n");
  const starts = [...header.matchAll(/\S+( \S+)*/g)].map((match) => [match[0], match.index] as const);
  return Object.fromEntries(
    starts.map(([name, at], index) => [name, (lines[row] ?? "").slice(at, starts[index + 1]?.[1]).trim()]),
  );
}

describe("measured images", () => {
  it("have a row for each state of the caches, with the median if there are several runs", () => {
    const table = imagesTable([
      measurement({ buildSeconds: 60 }),
      measurement({ buildSeconds: 50 }),
      measurement({ buildSeconds: 52 }),
      measurement({ caches: "warm", buildSeconds: 20, bytes: 2 ** 21 }),
    ]);
    const { image, caches, bytes, ...first } = cells(table, 0);
    assert.deepEqual([image, caches, bytes], ["one", "cold", "same"]);
    assert.deepEqual([first["build s"], first["runs"], first["min–max"]], ["52.0", "3", "50.0–60.0"]);
    assert.deepEqual([cells(table, 1)["build s"], cells(table, 1)["file MiB"]], ["20.0", "2.0"]);
    assert.equal(imagesTable([measurement()]).includes("runs"), false);
  });

  it("differ if any of their builds has other bytes, and are failed if one has an error", () => {
    const all = [
      measurement(),
      measurement({ sha512: "b" }),
      measurement({ image: "two" }),
      measurement({ image: "three", error: "it went wrong" }),
    ];
    assert.deepEqual(differing(all), ["one"]);
    const table = imagesTable(all);
    assert.deepEqual(
      [0, 1, 2].map((row) => cells(table, row)["bytes"]),
      ["differ", "", "failed"],
    );
  });

  it("have a column of phases each", () => {
    const phases = (convert: number) => ({ phases: { convert } });
    const table = phasesOfImages([measurement(phases(2)), measurement(phases(4)), measurement(phases(9))]);
    assert.equal(table, "seconds  one cold\nconvert  4.0");
  });
});

describe("a fleet's table", () => {
  it("has the disks, the files and the total of each isolation, and why images are missing", () => {
    const made = { phases: { "make the disk": 5, convert: 3 }, bytes: 2 ** 20 };
    const fleet: Fleet = {
      isolation: "vm",
      atOnce: 2,
      clouds: 5,
      seconds: 90,
      bases: 1,
      initramfs: 2,
      failures: [],
      measurements: [
        measurement(made),
        measurement({ ...made, image: "two" }),
        measurement({ image: "shares a disk", phases: { convert: 3 }, bytes: 2 ** 20 }),
        measurement({ image: "four", error: "the offline kit lacks aarch64\n  → make it" }),
        measurement({ image: "five", error: "the offline kit lacks aarch64\n  → make it" }),
      ],
    };
    const table = fleetTable([fleet]);
    assert.deepEqual(cells(table, 0), {
      isolation: "vm",
      "at once": "2",
      clouds: "5",
      images: "5",
      "not built": "2",
      bases: "1",
      initramfs: "2",
      disks: "2",
      files: "3",
      "files MiB": "3",
      "total s": "90.0",
      "s per file": "30.0",
    });
    assert.match(table, /\nvm, 2 images not built: the offline kit lacks aarch64$/);
  });
});
