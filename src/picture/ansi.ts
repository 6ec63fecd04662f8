/** Text with ANSI escape codes, as lines of cells: what a terminal would show if nothing scrolled away. */

/** How a cell looks. Colours are CSS colours; undefined is the terminal's own. */
export interface Style {
  readonly foreground?: string | undefined;
  readonly background?: string | undefined;
  readonly bold?: boolean | undefined;
  readonly dim?: boolean | undefined;
  readonly italic?: boolean | undefined;
  readonly underline?: boolean | undefined;
}

/** One character with its combining marks, and the columns that it takes: 1 or 2. */
export interface Cell {
  readonly text: string;
  readonly width: number;
  readonly style: Style;
}

export type Line = readonly Cell[];

const plain: Style = {};

const tabWidth = 8;

/** The 16 named colours, on a dark background. */
const palette = [
  "#6e7681",
  "#ff7b72",
  "#7ee787",
  "#e3b341",
  "#79c0ff",
  "#d2a8ff",
  "#56d4dd",
  "#d0d7de",
  "#8b949e",
  "#ffa198",
  "#aff5b4",
  "#f2cc60",
  "#a5d6ff",
  "#e2c5ff",
  "#b3f0ff",
  "#ffffff",
] as const;

/** An escape sequence: CSI with its parameters and final letter, OSC up to its end, or a single letter; or another control. */
// eslint-disable-next-line no-control-regex
const controls = /\x1b\[([0-?]*)[ -/]*([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-_]|[\x00-\x1f\x7f]/g;

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/**
 * Lines of a terminal's output. Colours and weights are kept. Cursor movements and hyperlinks are dropped, and a carriage return
 * starts its line again, as it does on a terminal.
 */
export function linesOf(output: string): Line[] {
  const lines: Cell[][] = [[]];
  let style = plain;
  let isReturned = false;
  const write = (text: string): void => {
    if (text === "") return;
    const line = lines.at(-1)!;
    if (isReturned) line.length = 0;
    isReturned = false;
    for (const { segment } of graphemes.segment(text)) {
      line.push({ text: segment, width: columnsOf(segment), style });
    }
  };
  let end = 0;
  for (const match of output.matchAll(controls)) {
    write(output.slice(end, match.index));
    end = match.index + match[0].length;
    const [control, parameters = "", final] = match;
    if (final === "m") style = restyled(style, parameters);
    else if (control === "\r") isReturned = true;
    else if (control === "\t") write(" ".repeat(tabWidth - (widthOf(lines.at(-1)!) % tabWidth)));
    else if (control === "\n") {
      lines.push([]);
      isReturned = false;
    }
  }
  write(output.slice(end));
  if (lines.at(-1)!.length === 0) lines.pop();
  return lines;
}

/** A line's text without its colours. */
export const textOf = (line: Line): string => line.map(({ text }) => text).join("");

/** The columns that a line takes. */
export const widthOf = (line: Line): number => line.reduce((sum, { width }) => sum + width, 0);

/** A line of at most that many columns: a longer one loses its middle, where `…` stands then. */
export function shortened(line: Line, columns: number): Line {
  if (widthOf(line) <= columns) return line;
  const head = firstColumns(line, Math.ceil((columns - 1) / 2));
  const tail = firstColumns(line.toReversed(), Math.floor((columns - 1) / 2)).toReversed();
  return [...head, { text: "…", width: 1, style: { dim: true } }, ...tail];
}

function firstColumns(line: Line, columns: number): Cell[] {
  let taken = 0;
  const end = line.findIndex(({ width }) => (taken += width) > columns);
  return line.slice(0, end < 0 ? line.length : end);
}

/** Characters that take two columns: East Asian wide ones, and pictures. */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

const columnsOf = (grapheme: string): number => (wide.test(grapheme) ? 2 : 1);

/** The style after a sequence `ESC [ parameters m`. */
function restyled(before: Style, parameters: string): Style {
  const codes = parameters.split(/[;:]/).map(Number);
  let style = before;
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i]!;
    if (code === 38 || code === 48) {
      const [colour, taken] = extendedColour(codes.slice(i + 1));
      style = { ...style, [code === 38 ? "foreground" : "background"]: colour };
      i += taken;
    } else style = { ...style, ...changeBy(code) };
    if (code === 0) style = plain;
  }
  return style;
}

function changeBy(code: number): Style {
  if (code === 1) return { bold: true };
  if (code === 2) return { dim: true };
  if (code === 3) return { italic: true };
  if (code === 4) return { underline: true };
  if (code === 22) return { bold: undefined, dim: undefined };
  if (code === 23) return { italic: undefined };
  if (code === 24) return { underline: undefined };
  if (code >= 30 && code <= 37) return { foreground: palette[code - 30] };
  if (code === 39) return { foreground: undefined };
  if (code >= 40 && code <= 47) return { background: palette[code - 40] };
  if (code === 49) return { background: undefined };
  if (code >= 90 && code <= 97) return { foreground: palette[code - 82] };
  if (code >= 100 && code <= 107) return { background: palette[code - 92] };
  return {};
}

/** A colour after 38 or 48, `5;N` or `2;R;G;B`, and the number of codes that it takes. */
function extendedColour(codes: readonly number[]): [colour: string | undefined, taken: number] {
  const [kind, ...rest] = codes;
  if (kind === 5) return [indexedColour(rest[0] ?? 0), 2];
  if (kind === 2) return [hex(rest.slice(0, 3)), 4];
  return [undefined, 1];
}

/** A colour of xterm's 256: 16 named ones, a cube of 6 × 6 × 6, and 24 greys. */
function indexedColour(index: number): string {
  if (index < 16) return palette[index]!;
  if (index >= 232) return hex([8, 8, 8].map((grey) => grey + 10 * (index - 232)));
  const level = (step: number): number => (step === 0 ? 0 : 55 + 40 * step);
  const cube = index - 16;
  return hex([level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6)]);
}

const hex = (channels: readonly number[]): string =>
  `#${channels.map((channel) => Math.min(255, channel).toString(16).padStart(2, "0")).join("")}`;
