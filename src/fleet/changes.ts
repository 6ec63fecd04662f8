/** Reads the summary that a Pulumi command prints. */

/** The changes in a Pulumi command's final summary: `to create` → 12, `unchanged` → 3. Empty if it has none. */
export function changesOf(output: string): Record<string, number> {
  const end = /^Resources:\n((?: {4}.*(?:\n|$))+)/m.exec(
    output.slice(output.lastIndexOf("\nResources:\n") + 1),
  );
  const lines = (end?.[1] ?? "").trimEnd().split("\n");
  // `+ 3 to create`, `+-1 to replace`, `12 unchanged`, or, after several kinds of changes, `4 changes. 12 unchanged`.
  const found = lines.flatMap((line) => {
    const [, count, what] = /^ {4}(?:[^\w\s]{1,2} ?|\d+ changes?\. )?(\d+) ([a-z ]+)$/.exec(line) ?? [];
    return what === undefined || what.startsWith("change") ? [] : [[what, Number(count)] as const];
  });
  return Object.fromEntries(found);
}
