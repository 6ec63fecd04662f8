import assert from "node:assert/strict";
import {
  comparisonTable,
  differingImages,
  phaseTable,
  type Row,
  rowFigures,
} from "../../bench/comparison-table.ts";

const image = "3.23.6-x86_64-bios-tiny-nocloud";

function row(changes: Partial<Row>): Row {
  return { owner: "this", builder: "vm (tcg)", image, what: "cold", runs: [], ...changes };
}

const peer = row({
  owner: "peer",
  builder: "peer",
  runs: [
    { seconds: 7, sha512: "p1", peakMib: 20 },
    { seconds: 6, sha512: "p2", peakMib: 31.4 },
    { seconds: 6.5, sha512: "p3", peakMib: 25 },
  ],
});
const cold = row({
  runs: [
    { seconds: 52, sha512: "a" },
    { seconds: 65, sha512: "a" },
    { seconds: 50, sha512: "a" },
  ],
});

describe("the table of a comparison", () => {
  it("has the median, the range, the ratio to the peer, and the median of the peaks", () => {
    assert.deepEqual(rowFigures(cold, [cold, peer]), {
      builder: "vm (tcg)",
      image,
      what: "cold",
      runs: 3,
      "median s": "52.0",
      "min–max": "50.0–65.0",
      "× peer": "8.00",
      "peak MiB": "",
      bytes: "same",
      note: "",
    });
    const figures = rowFigures(peer, [cold, peer]);
    assert.equal(figures["× peer"], "1.00");
    assert.equal(figures["peak MiB"], 25);
    assert.equal(figures["bytes"], "differ");
  });

  it("compares the next image with a cold one of the peer, and limits with nothing", () => {
    const ratio = (changes: Partial<Row>): unknown => {
      const one = row({ runs: [{ seconds: 13 }], ...changes });
      return rowFigures(one, [one, peer])["× peer"];
    };
    assert.equal(ratio({ what: "next image", image: "another" }), "2.00");
    assert.equal(ratio({ what: "format only" }), "");
    assert.equal(ratio({ what: "aarch64 cold" }), "");
    assert.equal(ratio({ owner: "limit", what: "cold" }), "");
    assert.equal(rowFigures(cold, [cold])["× peer"], "");
  });

  it("compares bytes among all rows of this project, and not with the peer's", () => {
    const other = row({ builder: "namespace", runs: [{ seconds: 5, sha512: "b" }] });
    const rows = [cold, other, peer];
    assert.equal(rowFigures(other, rows)["bytes"], "differ");
    assert.deepEqual(differingImages(rows), [image]);
    assert.deepEqual(differingImages([cold, peer]), []);
    const alone = row({ image: "another", runs: [{ seconds: 5, sha512: "b" }] });
    assert.equal(rowFigures(alone, [cold, alone])["bytes"], "");
  });

  it("says why a row has no figures", () => {
    const refused = row({ what: "aarch64 cold", reason: "the offline kit has no packages for aarch64" });
    const [header = "", line = ""] = comparisonTable([refused]).split("\n");
    assert.match(line, / aarch64 cold +– +the offline kit has no packages for aarch64$/);
    assert.match(header, /^builder .* note$/);
  });

  it("has a column of phases for each row that has phases", () => {
    const runs = [
      { seconds: 9, phases: { base: 5, convert: 4 } },
      { seconds: 7, phases: { base: 4, convert: 3 } },
    ];
    assert.equal(
      phaseTable([row({ runs }), row({ what: "format only", runs: [{ seconds: 1 }] })]),
      "seconds  vm (tcg), cold\nbase     4.5\nconvert  3.5",
    );
  });
});
