/** Generates JSON Schemas from the zod schemas, so that editors can complete and check the YAML. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { format, resolveConfig } from "prettier";
import { z } from "zod";
import type { Output } from "../lib/command.ts";
import { projectRoot } from "../lib/workspace.ts";
import type { CloudRules } from "./cloud-rules.ts";
import { ledgerSchema } from "./ledger.ts";
import { dimensionsSchema, layerSchema, regionsSchema } from "./schema.ts";
import { NAMESPACE, settingsSchema } from "./settings.ts";
import { ConfigError } from "./source.ts";
import { stackFileSchema } from "./stack-file-schema.ts";
import { variantSchema } from "./variant.ts";

/** Schemas by name. */
export type Schemas = Readonly<Record<string, z.ZodType>>;

const ownSchemas = (clouds: readonly CloudRules[]): Schemas => ({
  dimensions: dimensionsSchema,
  layer: layerSchema(clouds),
  ledger: ledgerSchema,
  regions: regionsSchema,
  stack: stackFileSchema(NAMESPACE, settingsSchema(clouds), {
    title: "Stack",
    description: "Pulumi.NAME.yaml",
  }),
  variant: variantSchema(clouds),
});

/**
 * The names of the schema files, and the text of each.
 * @param clouds the clouds that this program knows
 * @param more schemas of the clouds' own files
 */
export async function schemaFiles(
  clouds: readonly CloudRules[],
  more: Schemas,
): Promise<Map<string, string>> {
  const style = (await resolveConfig(join(projectRoot, "schemas/any.json"))) ?? {};
  const files = Object.entries({ ...more, ...ownSchemas(clouds) }).map(async ([name, schema]) => {
    const json = z.toJSONSchema(schema, { io: name === "variant" ? "output" : "input", target: "draft-7" });
    return [`${name}.json`, await format(JSON.stringify(json), { ...style, parser: "json" })] as const;
  });
  return new Map(await Promise.all(files));
}

export interface SchemasOptions {
  /** The folder for the schema files. */
  dir: string;
  /** Only check that the files are up to date. */
  check?: boolean;
  /** The clouds that this program knows. */
  clouds: readonly CloudRules[];
  /** Schemas of the clouds' own files. */
  more: Schemas;
}

/**
 * Writes the files that are out of date.
 * @throws ConfigError that names them instead, if `check` is set
 */
export async function schemas({ check = false, dir, clouds, more }: SchemasOptions): Promise<Output> {
  const files = await schemaFiles(clouds, more);
  const stale = [...files].filter(([name, text]) => {
    const path = join(dir, name);
    return !existsSync(path) || readFileSync(path, "utf8") !== text;
  });
  if (check && stale.length > 0) {
    const message = "differs from the zod schemas: run `npm run schemas` and commit the result";
    throw new ConfigError(
      stale.map(([name]) => ({
        code: "generated-file-stale" as const,
        file: join("schemas", name),
        path: "",
        message,
      })),
    );
  }
  mkdirSync(dir, { recursive: true });
  for (const [name, text] of stale) writeFileSync(join(dir, name), text);
  const what = stale.length === 0 ? "up to date" : `wrote ${stale.map(([name]) => name).join(", ")}`;
  return { text: `schemas: ${what}`, warnings: [] };
}
