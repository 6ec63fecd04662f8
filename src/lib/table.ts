/** Formats tables as text. */

/** A row of a table: texts, and numbers, which are right-aligned. */
export type Row = readonly (string | number)[];

/** Formats rows in aligned columns, with numbers right-aligned. */
export function columns(rows: readonly Row[]): string {
  const widths = rows.reduce<number[]>(
    (found, row) => row.map((cell, i) => Math.max(found[i] ?? 0, String(cell).length)),
    [],
  );
  return rows
    .map((row) =>
      row
        .map((cell, i) =>
          typeof cell === "number" ? String(cell).padStart(widths[i]!) : cell.padEnd(widths[i]!),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Figures by name. */
export type Figures = Readonly<Record<string, string | number>>;

/** A header with the names, then a row for each of these. */
export function figureRows(all: readonly Figures[]): string {
  const names = namesIn(all);
  return columns([names, ...all.map((one) => names.map((name) => one[name] ?? ""))]);
}

/** A column for each of these, if there are too many figures for one row. */
export function figureColumns(all: readonly Figures[]): string {
  return columns(namesIn(all).map((name) => [name, ...all.map((one) => one[name] ?? "")]));
}

const namesIn = (all: readonly Figures[]): string[] => [...new Set(all.flatMap((one) => Object.keys(one)))];
