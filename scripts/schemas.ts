/** `npm run schemas`: generates JSON Schemas from the zod schemas, so that editors can complete and check the YAML. */
import { join } from "node:path";
import { Command } from "commander";
import { clouds } from "../clouds/registry.ts";
import { accountFileSchema } from "../clouds/aws/account/file-schema.ts";
import { schemas } from "../src/configuration/json-schemas.ts";
import { runCommand } from "../src/lib/command.ts";
import { projectRoot } from "../src/lib/workspace.ts";

const program = new Command("schemas")
  .description("Generates JSON Schemas of the YAML files in schemas/.")
  .option("--check", "only check whether they are up to date");
const more = { "aws-account": accountFileSchema };
const dir = join(projectRoot, "schemas");
await runCommand(program, () => schemas({ ...program.opts<{ check?: boolean }>(), dir, clouds, more }));
