/** `npm run schemas`: JSON Schemas from the zod ones, so that editors complete and check the YAML. */
import { join } from "node:path";
import { Command } from "commander";
import { clouds } from "../clouds/registry.ts";
import { accountFileSchema } from "../clouds/aws/account/file-schema.ts";
import { schemas } from "../src/configuration/json-schemas.ts";
import { runCommand } from "../src/lib/command.ts";
import { projectRoot } from "../src/lib/workspace.ts";

const program = new Command("schemas")
  .description("JSON Schemas of the YAML files, into schemas/.")
  .option("--check", "only tell whether they are fresh");
const more = { "aws-account": accountFileSchema };
const dir = join(projectRoot, "schemas");
await runCommand(program, () => schemas({ ...program.opts<{ check?: boolean }>(), dir, clouds, more }));
