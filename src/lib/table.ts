/** A table's row: texts, and numbers that stand to the right. */
export type Row = readonly (string | number)[];

/** Rows in aligned columns, numbers to the right. */
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

/** Figures, by what they are of. */
export type Figures = Readonly<Record<string, string | number>>;

/** A row for each of these, below their names. */
export function figureRows(all: readonly Figures[]): string {
  const names = namesIn(all);
  return columns([names, ...all.map((one) => names.map((name) => one[name] ?? ""))]);
}

/** A column for each of these: for more figures than fit beside each other. */
export function figureColumns(all: readonly Figures[]): string {
  return columns(namesIn(all).map((name) => [name, ...all.map((one) => one[name] ?? "")]));
}

const namesIn = (all: readonly Figures[]): string[] => [...new Set(all.flatMap((one) => Object.keys(one)))];
