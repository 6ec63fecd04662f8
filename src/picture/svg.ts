/** Lines of a terminal as an SVG picture: text in a monospace font, without scripts, styles or fonts from elsewhere. */
import { type Line, type Style, widthOf } from "./ansi.ts";

const background = "#0d1117";
const foreground = "#d0d7de";
const fontSize = 13;
/** The width of a column. Each run of text is fitted to its columns, so the grid holds whatever font is there. */
const columnWidth = 7.8;
const lineHeight = 18;
const margin = 16;

/** Neighbouring cells that look the same. */
interface Run {
  text: string;
  column: number;
  width: number;
  style: Style;
}

/**
 * Draws lines.
 * @param title what the picture shows, for people who do not see it
 * @returns the SVG document
 */
export function terminalSvg(lines: readonly Line[], title: string): string {
  const columns = Math.max(0, ...lines.map(widthOf));
  const width = rounded(columns * columnWidth + 2 * margin);
  const height = lines.length * lineHeight + 2 * margin;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" rx="8" fill="${background}"/>`,
    `<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="${fontSize}" fill="${foreground}" xml:space="preserve">`,
    ...lines.flatMap((line, index) => runsOf(line).flatMap((run) => drawn(run, margin + index * lineHeight))),
    "</g>",
    "</svg>",
    "",
  ].join("\n");
}

function runsOf(line: Line): Run[] {
  const runs: Run[] = [];
  let column = 0;
  for (const { text, width, style } of line) {
    const last = runs.at(-1);
    if (last !== undefined && isSame(last.style, style)) {
      last.text += text;
      last.width += width;
    } else runs.push({ text, column, width, style });
    column += width;
  }
  return runs;
}

/** A run's background, if it has one, and its text. */
function drawn({ text, column, width, style }: Run, top: number): string[] {
  const elements: string[] = [];
  const x = rounded(margin + column * columnWidth);
  if (style.background !== undefined) {
    elements.push(
      `<rect x="${x}" y="${top}" width="${rounded(width * columnWidth)}" height="${lineHeight}" fill="${style.background}"/>`,
    );
  }
  const shown = text.trim();
  if (shown === "") return elements;
  const indent = text.length - text.trimStart().length;
  const trimmed = text.length - shown.length;
  const attributes = [
    `x="${rounded(x + indent * columnWidth)}"`,
    `y="${top + fontSize}"`,
    `textLength="${rounded((width - trimmed) * columnWidth)}"`,
    'lengthAdjust="spacingAndGlyphs"',
    ...attributesOf(style),
  ];
  elements.push(`<text ${attributes.join(" ")}>${escaped(shown)}</text>`);
  return elements;
}

function attributesOf(style: Style): string[] {
  return [
    ...(style.foreground === undefined ? [] : [`fill="${style.foreground}"`]),
    ...(style.bold ? ['font-weight="bold"'] : []),
    ...(style.dim ? ['opacity="0.6"'] : []),
    ...(style.italic ? ['font-style="italic"'] : []),
    ...(style.underline ? ['text-decoration="underline"'] : []),
  ];
}

function isSame(a: Style, b: Style): boolean {
  const looks = ["foreground", "background", "bold", "dim", "italic", "underline"] as const;
  return looks.every((look) => a[look] === b[look]);
}

const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Text that XML reads as itself. */
const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => escapes[character]!);

const rounded = (length: number): number => Math.round(length * 10) / 10;
