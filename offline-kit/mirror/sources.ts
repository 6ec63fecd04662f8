import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { z } from "zod";

export const architectures = ["x86_64", "aarch64"] as const;
export type Architecture = (typeof architectures)[number];

const text = z.string().min(1);
const perArchitecture = <T extends z.ZodType>(value: T) => z.strictObject({ x86_64: value, aarch64: value });

const sourcesSchema = z.strictObject({
  wheel: text,
  releases: z.record(text, z.strictObject({ wheelVersion: text, sha256: perArchitecture(text) })),
  architectures: perArchitecture(
    z.strictObject({ image: text, debian: text, grub: text, triplet: text, loader: text }),
  ),
  community: z.array(text),
  restorations: z.record(
    text,
    z.strictObject({
      text: text.optional(),
      target: text.optional(),
      dropLines: z.array(text).optional(),
      dropAccounts: z.boolean().optional(),
      replaceLines: z.record(text, z.string()).optional(),
    }),
  ),
});

/** sources.yaml: where the Alpine packages come from, and how changed files are brought back. */
export type Sources = z.infer<typeof sourcesSchema>;
export type ArchitectureNames = Sources["architectures"][Architecture];

/** Reads and checks sources.yaml. */
export async function readSources(path: string): Promise<Sources> {
  const parsed = sourcesSchema.safeParse(parse(await readFile(path, "utf8")));
  if (!parsed.success) throw new Error(`${path}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** Reads libraries.yaml: soname → Debian package. */
export async function readLibraries(path: string): Promise<Map<string, string>> {
  const byPackage = z.record(text, z.array(text)).parse(parse(await readFile(path, "utf8")));
  const pairs = Object.entries(byPackage).flatMap(([name, sonames]) =>
    sonames.map((soname) => [soname, name] as const),
  );
  return new Map(pairs);
}
