/**
 * `npm run preflight -- --stack NAME`: whether the account is ready for what the stack would publish to AWS. Changes
 * nothing. A publishing `up` asks the same before it uploads anything: components/preflight-hook.ts.
 */
import { Command } from "commander";
import { declaredBy } from "../src/configuration/index.ts";
import { readStackFile } from "../src/configuration/settings.ts";
import { runCommand, type Output } from "../src/lib/command.ts";
import { projectRoot } from "../src/lib/workspace.ts";
import { publishPlan } from "../clouds/aws/preflight/plan.ts";
import { preflight } from "../clouds/aws/preflight/preflight.ts";
import { countText, errorsOf, resultTable } from "../src/preflight/check-result.ts";

export interface PreflightOptions {
  root: string;
  stack: string;
  json?: boolean;
}

/** The exit code is 1 where there are errors. */
export async function preflightCommand({ root, stack, json }: PreflightOptions): Promise<Output> {
  const settings = readStackFile(root, stack);
  const declared = declaredBy(root, settings);
  const plan = publishPlan(declared, settings);
  if (plan.images.length === 0) {
    const text = json
      ? "[]"
      : `stack ${stack} brings no image to AWS (stage ${settings.stage}): nothing to check`;
    return { text, warnings: [] };
  }
  const results = await preflight(plan, { stack });
  if (errorsOf(results).length > 0) process.exitCode = 1;
  if (json) return { text: JSON.stringify(results, null, 2), warnings: [] };
  const count = countText(results);
  const end = count === "" ? "ready" : `${count}; nothing was changed`;
  return {
    text: `${resultTable(results)}\n${plan.images.length} ${plan.images.length === 1 ? "AMI" : "AMIs"} planned: ${end}`,
    warnings: [],
  };
}

if (process.argv[1] === import.meta.filename) {
  const program = new Command("preflight")
    .description("Whether the account is ready for what a stack would publish to AWS. Changes nothing.")
    .requiredOption("--stack <name>", "the stack of Pulumi.<name>.yaml")
    .option("--json", "the results as an array")
    .option("--root <dir>", "the project's folder", projectRoot);
  await runCommand(program, () => preflightCommand(program.opts()));
}
