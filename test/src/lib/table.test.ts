import assert from "node:assert/strict";
import { columns, figureColumns, figureRows } from "../../../src/lib/table.ts";

describe("a table", () => {
  it("has aligned columns, numbers to the right, and no spaces at the ends", () => {
    const rows = [
      ["image", "MiB", ""],
      ["a-long-name", 9, "old"],
      ["b", 1024, ""],
    ];
    assert.equal(columns(rows), "image        MiB\na-long-name     9  old\nb            1024");
    assert.equal(columns([]), "");
  });

  it("has a row for each measurement, or a column, with gaps where one has no such figure", () => {
    const all = [
      { way: "direct", s: "1.5" },
      { way: "import", MiB: 20 },
    ];
    assert.equal(figureRows(all), "way     s    MiB\ndirect  1.5\nimport        20");
    assert.equal(figureColumns(all), "way  direct  import\ns    1.5\nMiB              20");
  });
});
