/**
 * The entry point of all tracked commands: `node scripts/step.ts create|update|delete`, with ALPINE_STEP and
 * ALPINE_STEP_INPUT in the environment. The result is one line of JSON on stdout; everything else goes to stderr.
 *
 * Never rename or move this file: its command line is in every stack's state, and changing it runs the command again.
 */
import { clouds } from "../clouds/registry.ts";
import { runCommand } from "../src/lib/command.ts";
import { UserError } from "../src/lib/user-error.ts";
import { commonSteps } from "../src/steps/common-steps.ts";
import { endWithEngine } from "../src/steps/end-with-engine.ts";
import { stepVariables } from "../src/steps/step.ts";

const steps = Object.assign(
  { ...commonSteps(clouds) },
  ...clouds.map(({ publishing }) => publishing?.steps),
) as ReturnType<typeof commonSteps>;

/** A result must easily fit into the environment of later calls. */
const maximumResultBytes = 4096;

await runCommand(undefined, async () => {
  const operation = process.argv[2];
  const name = process.env[stepVariables.name] ?? "";
  const load = Object.hasOwn(steps, name) ? steps[name] : undefined;
  if (load === undefined || (operation !== "create" && operation !== "update" && operation !== "delete")) {
    throw new UserError(
      "step-unknown",
      `step '${name}' with operation '${operation ?? ""}' is unknown`,
      `Pulumi runs this program with ${stepVariables.name} (${Object.keys(steps).join(", ")}) and create, update or delete`,
    );
  }
  endWithEngine();
  const step = await load();
  const input = JSON.parse(process.env[stepVariables.input] ?? "null") as never;
  const previous = JSON.parse(process.env.PULUMI_COMMAND_STDOUT || "null") as never;
  if (operation === "delete") {
    await step.delete(input, previous);
    return;
  }
  const result = operation === "create" ? await step.create(input) : await step.update(input, previous);
  const line = JSON.stringify(result);
  if (Buffer.byteLength(line) > maximumResultBytes)
    throw new Error(`the result of ${name} is ${line.length} bytes long`);
  process.stdout.write(`${line}\n`);
});
