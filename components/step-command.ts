import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { stepVariables } from "../src/steps/step.ts";

/** Arguments of a {@link StepCommand}. */
export interface StepCommandArgs {
  /** The name of a step in `src/steps/common-steps.ts` or of a cloud. */
  step: string;
  /** The step's input. A change runs `update`, which must never change published bytes. */
  input: pulumi.Input<object>;
  /** What the result depends on. A change replaces the command: it deletes, then creates. */
  replaceOn: pulumi.Input<string>[];
  /**
   * If true, changed inputs are ignored: what was built stays until the ledger says otherwise. False in stacks that
   * rebuild changed images.
   */
  frozen: boolean;
}

/**
 * A tracked command: `scripts/step.ts` runs one step for an image, and its one-line JSON result is the output.
 *
 * The three command lines are constants, and variables are in the environment. Otherwise, a changed `delete` line alone
 * would run `update`, make stdout unknown, and replace everything that depends on it. States keep the command lines of
 * older versions, `exec node --import tsx scripts/step.ts …`, so `tsx` stays a dependency as long as states name it.
 */
export class StepCommand extends command.local.Command {
  constructor(name: string, args: StepCommandArgs, opts: pulumi.CustomResourceOptions) {
    super(
      name,
      {
        // A cancel kills only the command's own process. Without `exec`, that is the shell, and the step would keep running.
        create: "exec node scripts/step.ts create",
        update: "exec node scripts/step.ts update",
        delete: "exec node scripts/step.ts delete",
        environment: {
          [stepVariables.name]: args.step,
          [stepVariables.input]: pulumi.jsonStringify(args.input),
        },
        triggers: args.replaceOn,
        // Log progress and errors only: the result on stdout is an output.
        logging: command.local.Logging.Stderr,
      },
      {
        ...opts,
        // Creating before deleting under one name would delete what was just created.
        deleteBeforeReplace: true,
        // States keep the command lines and step name that they were made with, so that a new text alone runs no update.
        ignoreChanges: args.frozen ? ["*"] : ["create", "update", "delete", "environment.ALPINE_STEP"],
      },
    );
  }

  /**
   * The step's result. Undefined if the command was skipped (`--target`) or has not run: throwing in an apply would end
   * the whole run.
   */
  result<T>(): pulumi.Output<T | undefined> {
    return this.stdout.apply((stdout) => parseResult<T>(stdout));
  }

  /**
   * Warns at preview and up if the result was built from other inputs than today's, which a frozen command keeps.
   * @param today the digest that the triggers would have today
   */
  warnIfStale(today: string, message: string): void {
    this.triggers.apply((triggers) => {
      const recorded: unknown = triggers?.[0];
      if (typeof recorded === "string" && recorded !== today) void pulumi.log.warn(message, this);
    });
  }
}

/** The last line of a command's output as JSON. */
export function parseResult<T>(stdout: string | undefined): T | undefined {
  const line = stdout?.trim().split("\n").at(-1);
  if (line === undefined || line === "") return undefined;
  try {
    return JSON.parse(line) as T;
  } catch {
    return undefined;
  }
}
