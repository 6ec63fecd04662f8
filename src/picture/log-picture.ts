/** A picture of a command and its log. */
import { type Line, linesOf, shortened, textOf } from "./ansi.ts";
import { terminalSvg } from "./svg.ts";

export interface LogPictureOptions {
  /** The command that printed the log, as a person types it. */
  command: string;
  /** The most columns of a line: a longer one loses its middle. */
  columns: number;
  /** What the picture shows, for people who do not see it. */
  title: string;
}

/**
 * Draws a log of the Pulumi CLI below its command. All that was printed is there as it was printed, but for the middle of long
 * lines and for progress lines that say nothing new.
 * @returns the SVG, and the number of progress lines that it leaves out
 */
export function logPicture(
  log: string,
  { command, columns, title }: LogPictureOptions,
): { svg: string; repeated: number } {
  const printed = linesOf(log);
  const kept = withoutRepeatedProgress(printed);
  const lines = [...linesOf(`\x1b[1m$ ${command}\x1b[0m`), ...kept];
  const svg = terminalSvg(
    lines.map((line) => shortened(line, columns)),
    title,
  );
  return { svg, repeated: printed.length - kept.length };
}

/** The lines without those that tell once more how far a resource is, and differ from an earlier one in numbers and dots alone. */
export function withoutRepeatedProgress(lines: readonly Line[]): Line[] {
  const told = new Set<string>();
  return lines.filter((line) => {
    const text = textOf(line).trimEnd();
    if (!isProgress(text)) return true;
    const news = text.replace(/\(\d+s\)|\b\d+%|\b\d+:\d\d\b|\.+$|\s/g, "");
    if (told.has(news)) return false;
    told.add(news);
    return true;
  });
}

/** A line of something under way: `@ updating....`, ` +  TYPE NAME creating (5s) MESSAGE`. */
const isProgress = (text: string): boolean =>
  /^@ \w+ing\.+$/.test(text) || /^.{4}\S+ \S+ \w+ing \(\d+s\)/.test(text);
