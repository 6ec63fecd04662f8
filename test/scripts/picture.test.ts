import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { projectRoot } from "../../src/lib/workspace.ts";
import { linesOf, shortened, textOf, widthOf } from "../../src/picture/ansi.ts";
import { logPicture, withoutRepeatedProgress } from "../../src/picture/log-picture.ts";
import { terminalSvg } from "../../src/picture/svg.ts";

const texts = (output: string) => linesOf(output).map(textOf);
const svg = (output: string) => terminalSvg(linesOf(output), "a run");

/** The styles of a line, each with the text that it has. */
function styles(output: string): [text: string, style: object][] {
  const [line = []] = linesOf(output);
  const runs: [string, object][] = [];
  for (const { text, style } of line) {
    const known = Object.fromEntries(Object.entries(style).filter(([, value]) => value !== undefined));
    const last = runs.at(-1);
    if (last !== undefined && JSON.stringify(last[1]) === JSON.stringify(known)) last[0] += text;
    else runs.push([text, known]);
  }
  return runs;
}

describe("a terminal's output", () => {
  it("is split into lines, whatever ends them", () => {
    assert.deepEqual(texts("a\r\nb\n\nc\n"), ["a", "b", "", "c"]);
    assert.deepEqual(texts(""), []);
  });

  it("starts a line again after a carriage return", () => {
    assert.deepEqual(texts("20 %\r100 %\nx"), ["100 %", "x"]);
  });

  it("loses cursor movements, titles and hyperlinks, and keeps the link's text", () => {
    assert.deepEqual(texts("\x1b[2K\x1b[1Aa\x1b]0;title\x07b\x1b]8;;https://x\x1b\\c\x1b]8;;\x1b\\\x07"), [
      "abc",
    ]);
  });

  it("has columns of eight between tabs", () => {
    assert.deepEqual(texts("ab\tc"), ["ab      c"]);
  });

  it("has the named colours, xterm's 256 and exact ones", () => {
    assert.deepEqual(
      styles("\x1b[32ma\x1b[38;5;2mb\x1b[38;5;196mc\x1b[38;5;244md\x1b[38;2;1;2;255me\x1b[0mf"),
      [
        ["ab", { foreground: "#7ee787" }],
        ["c", { foreground: "#ff0000" }],
        ["d", { foreground: "#808080" }],
        ["e", { foreground: "#0102ff" }],
        ["f", {}],
      ],
    );
    assert.deepEqual(styles("\x1b[97;41ma\x1b[39mb\x1b[49mc"), [
      ["a", { foreground: "#ffffff", background: "#ff7b72" }],
      ["b", { background: "#ff7b72" }],
      ["c", {}],
    ]);
  });

  it("has weights, which end one by one or all at once", () => {
    assert.deepEqual(styles("\x1b[1;4ma\x1b[22mb\x1b[mc\x1b[2;3md"), [
      ["a", { bold: true, underline: true }],
      ["b", { underline: true }],
      ["c", {}],
      ["d", { dim: true, italic: true }],
    ]);
  });

  it("takes the columns that a terminal gives it", () => {
    const widths = ["ab", "é", "e\u0301", "語", "🙂", "…"].map((text) => widthOf(linesOf(text)[0]!));
    assert.deepEqual(widths, [2, 1, 1, 2, 2, 1]);
  });
});

describe("a long line", () => {
  const [line = []] = linesOf("\x1b[32m0123456789\x1b[0mabcdefghij");

  it("loses its middle, and no more than it has to", () => {
    assert.equal(textOf(shortened(line, 20)), "0123456789abcdefghij");
    assert.equal(textOf(shortened(line, 10)), "01234…ghij");
    assert.equal(textOf(shortened(line, 11)), "01234…fghij");
  });

  it("keeps its colours, and never splits a wide character", () => {
    assert.equal(shortened(line, 10)[0]!.style.foreground, "#7ee787");
    assert.equal(textOf(shortened(linesOf("語語語語語語")[0]!, 8)), "語語…語");
  });
});

describe("a terminal's picture", () => {
  it("escapes what XML would read", () => {
    assert.match(svg('a <b> & "c"'), />a &lt;b&gt; &amp; &quot;c&quot;<\/text>/);
  });

  it("has a text for each run of one look, at its column and as wide as its columns", () => {
    const drawn = svg("ab\x1b[1;31mcd\x1b[0m  ef");
    const found = [...drawn.matchAll(/<text x="([\d.]+)" y="\d+" textLength="([\d.]+)"[^>]*>([^<]*)/g)];
    assert.deepEqual(
      found.map(([, x, length, text]) => [x, length, text]),
      [
        ["16", "15.6", "ab"],
        ["31.6", "15.6", "cd"],
        ["62.8", "15.6", "ef"],
      ],
    );
    assert.match(drawn, /fill="#ff7b72" font-weight="bold">cd</);
  });

  it("has room for the longest line and for all lines, and a dark background", () => {
    assert.match(svg("1234567890\n\n語"), /<svg [^>]*width="110" height="86" viewBox="0 0 110 86"/);
    assert.match(svg("a"), /<rect width="[\d.]+" height="\d+" rx="8" fill="#0d1117"\/>/);
    assert.match(svg("\x1b[42m  "), /<rect x="16" y="16" width="15.6" height="18" fill="#7ee787"\/>/);
  });

  it("says what it shows, and brings nothing along that a page would refuse", () => {
    assert.match(svg("a"), /<title>a run<\/title>/);
    assert.doesNotMatch(svg("a"), /<script|<style|<image|@import|href/);
  });
});

describe("a log of Pulumi", () => {
  const log = [
    "Updating (dev):",
    "@ updating....",
    " +  command:local:Command x-disk creating (1s)  20% 00:01 install the base",
    "@ updating......",
    " +  command:local:Command x-disk creating (22s)  40% 00:22 install the base",
    " +  command:local:Command x-disk creating (23s)  42% 00:23 make initramfs",
    " +  command:local:Command x-disk created (30s) done",
    " +  command:local:Command x-disk created (30s) done",
  ];

  it("loses the progress that says nothing new, and nothing else", () => {
    const kept = withoutRepeatedProgress(linesOf(log.join("\n"))).map(textOf);
    assert.deepEqual(
      kept,
      log.filter((_, i) => i !== 3 && i !== 4),
    );
  });

  it("is drawn below its command", () => {
    const { svg, repeated } = logPicture(log.join("\n"), { command: "pulumi up", columns: 40, title: "t" });
    assert.match(svg, /font-weight="bold">\$ pulumi up<\/text>\n<text[^>]*>Updating \(dev\):</);
    assert.match(
      svg,
      />\+ {2}command:local:Co<\/text>\n<text[^>]*>…<\/text>\n<text[^>]*>0:23 make initramfs</,
    );
    assert.equal(repeated, 2);
  });
});

describe("the picture command", () => {
  const folder = mkdtempSync(join(os.tmpdir(), "picture-"));
  const run = (...args: string[]) =>
    promisify(execFile)(process.execPath, ["scripts/picture.ts", ...args], { cwd: projectRoot });
  after(() => rmSync(folder, { recursive: true }));

  it("draws a saved log", async () => {
    const [from, out] = [join(folder, "log"), join(folder, "pictures/up.svg")];
    writeFileSync(from, "\x1b[32mcreated\x1b[0m\n");
    const { stdout } = await run("--from", from, "--out", out, "--", "preview", "--stack", "x");
    assert.match(stdout, /up\.svg: \d+\.\d KiB, 0 repeated progress lines left out\n$/);
    const picture = readFileSync(out, "utf8");
    assert.match(picture, />\$ npm run pulumi -- preview --stack x</);
    assert.match(picture, /fill="#7ee787">created</);
  });

  it("refuses a log that is not there, and lines of no length", async () => {
    await assert.rejects(run("--from", join(folder, "none")), /the log .*none cannot be read/);
    await assert.rejects(run("--columns", "wide"), /--columns takes a whole number from 20 on, not wide/);
  });
}).timeout(30_000);

describe("the picture in the README", () => {
  it("is small, and the README shows it", () => {
    assert.ok(readFileSync(join(projectRoot, "docs/pictures/up.svg")).length <= 60 * 1024);
    assert.match(
      readFileSync(join(projectRoot, "README.md"), "utf8"),
      /!\[[^\]]+\]\(docs\/pictures\/up\.svg\)/,
    );
  });
});
