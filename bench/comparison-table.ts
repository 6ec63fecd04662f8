/** The table of `npm run bench -- build --against`: a row for each builder and each thing that it did. */
import { figureColumns, figureRows, type Figures } from "../src/lib/table.ts";
import { median, medianPhases, rangeText, secondsText } from "./statistics.ts";

/** What a row measures: see docs/benchmarks.md. */
export type What =
  "cold" | "next image" | "disk only" | "format only" | "aarch64 cold" | "apk alone" | "compression alone";

/** One measured run. */
export interface Run {
  seconds: number;
  /** Peak memory of the whole process tree; undefined if it was not measured. */
  peakMib?: number;
  /** Digest of the image, if the run made one. */
  sha512?: string;
  /** Seconds by phase. */
  phases?: Readonly<Record<string, number>>;
}

/** A row: a builder, what it did, and its runs. */
export interface Row {
  /** Whose row it is. Bytes are compared among all rows of this project, but not with the peer's. */
  owner: "this" | "peer" | "limit";
  /** `vm (tcg)`, `alpine-make-vm-image 0.13.4`. */
  builder: string;
  image: string;
  what: What;
  runs: Run[];
  /** Why there are no runs. */
  reason?: string;
  /** Whether that reason is a failure, not a lack of this machine. */
  failed?: boolean;
}

/** The rows as a table. A row without runs says why. */
export function comparisonTable(rows: readonly Row[]): string {
  return figureRows(rows.map((row) => rowFigures(row, rows)));
}

/** The cells of a row, by the names of the columns. */
export function rowFigures(row: Row, rows: readonly Row[]): Figures {
  const seconds = row.runs.map((run) => run.seconds);
  const peak = median(row.runs.flatMap(({ peakMib }) => peakMib ?? []));
  const reference = median(peerRow(row, rows)?.runs.map((run) => run.seconds) ?? []);
  const middle = median(seconds);
  return {
    builder: row.builder,
    image: row.image,
    what: row.what,
    runs: row.runs.length === 0 ? "" : row.runs.length,
    "median s": secondsText(middle) || "–",
    "min–max": rangeText(seconds),
    "× peer": reference === undefined || middle === undefined ? "" : (middle / reference).toFixed(2),
    "peak MiB": peak === undefined ? "" : Math.round(peak),
    bytes: bytesText(row, rows),
    note: row.reason ?? "",
  };
}

/**
 * The peer's row that a row is compared with: the same work. The peer keeps nothing between images, so all of its images
 * are cold. Limits, and images of an architecture that the peer did not build, are compared with nothing.
 */
function peerRow({ owner, what }: Row, rows: readonly Row[]): Row | undefined {
  if (owner === "limit") return undefined;
  const wanted = what === "next image" ? "cold" : what;
  return rows.find((row) => row.owner === "peer" && row.what === wanted);
}

/** Whether all runs of one owner gave the same image. A single run says nothing. */
function bytesText({ owner, image, runs }: Row, rows: readonly Row[]): string {
  if (runs.every(({ sha512 }) => sha512 === undefined)) return "";
  const digests = digestsOf(owner, image, rows);
  return digests.length < 2 ? "" : new Set(digests).size === 1 ? "same" : "differ";
}

function digestsOf(owner: Row["owner"], image: string, rows: readonly Row[]): string[] {
  return rows
    .filter((row) => row.owner === owner && row.image === image)
    .flatMap((row) => row.runs.flatMap(({ sha512 }) => sha512 ?? []));
}

/** This project's images whose runs gave different bytes. */
export function differingImages(rows: readonly Row[]): string[] {
  const images = [...new Set(rows.map(({ image }) => image))];
  return images.filter((image) => new Set(digestsOf("this", image, rows)).size > 1);
}

/** A column for each row that has phases, with the median of each phase. Phases below 0.05 s are left out. */
export function phaseTable(rows: readonly Row[]): string {
  return figureColumns(
    rows
      .filter(({ runs }) => runs.some(({ phases }) => phases !== undefined))
      .map(({ builder, what, runs }) => ({ seconds: `${builder}, ${what}`, ...medianPhases(runs) })),
  );
}
