/** `npm run schemas`: JSON Schemas from the zod ones, so that editors complete and check the YAML. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { format, resolveConfig } from "prettier";
import { z } from "zod";
import { ACCOUNT_NAMESPACE, accountSettingsSchema } from "../clouds/aws/account/settings.ts";
import { ledgerSchema } from "../src/configuration/ledger.ts";
import { dimensionsSchema, layerSchema, regionsSchema } from "../src/configuration/schema.ts";
import { NAMESPACE, settingsSchema } from "../src/configuration/settings.ts";
import { variantSchema } from "../src/configuration/variant.ts";
import { runCommand } from "../src/lib/command.ts";
import { projectRoot } from "../src/lib/workspace.ts";
import { ConfigError } from "../src/configuration/source.ts";

/** A stack's file: our settings in their namespace, and whatever else Pulumi and providers keep there. */
function stackSchema<Shape extends z.ZodRawShape>(
  namespace: string,
  settings: z.ZodObject<Shape>,
  meta: { title: string; description: string },
): z.ZodType {
  const entries = Object.entries<z.core.SomeType>(settings.shape);
  const config = Object.fromEntries(entries.map(([key, type]) => [`${namespace}:${key}`, type]));
  return z.looseObject({ config: z.looseObject(config) }).meta(meta);
}

const all = {
  "aws-account": stackSchema(ACCOUNT_NAMESPACE, accountSettingsSchema, {
    title: "AWS account",
    description: "clouds/aws/account/Pulumi.NAME.yaml",
  }),
  dimensions: dimensionsSchema,
  layer: layerSchema,
  ledger: ledgerSchema,
  regions: regionsSchema,
  stack: stackSchema(NAMESPACE, settingsSchema, { title: "Stack", description: "Pulumi.NAME.yaml" }),
  variant: variantSchema,
};

/** File name to text. */
export async function schemaFiles(): Promise<Map<string, string>> {
  const style = (await resolveConfig(join(projectRoot, "schemas/any.json"))) ?? {};
  const files = Object.entries(all).map(async ([name, schema]) => {
    const json = z.toJSONSchema(schema, { io: name === "variant" ? "output" : "input", target: "draft-7" });
    return [`${name}.json`, await format(JSON.stringify(json), { ...style, parser: "json" })] as const;
  });
  return new Map(await Promise.all(files));
}

export async function schemas({ check = false, dir }: { check?: boolean; dir: string }) {
  const files = await schemaFiles();
  const stale = [...files].filter(([name, text]) => {
    const path = join(dir, name);
    return !existsSync(path) || readFileSync(path, "utf8") !== text;
  });
  if (check && stale.length > 0) {
    const message = "is not what configs/*.ts say: run `npm run schemas` and commit the result";
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
  const what = stale.length === 0 ? "fresh" : `wrote ${stale.map(([name]) => name).join(", ")}`;
  return { text: `schemas: ${what}`, warnings: [] };
}

if (process.argv[1] === import.meta.filename) {
  const program = new Command("schemas")
    .description("JSON Schemas of the YAML files, into schemas/.")
    .option("--check", "only tell whether they are fresh");
  const dir = join(projectRoot, "schemas");
  await runCommand(program, () => schemas({ ...program.opts<{ check?: boolean }>(), dir }));
}
