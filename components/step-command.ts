import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { stepVariables } from "../src/steps/step.ts";

/** Arguments of a {@link StepCommand}. */
export interface StepCommandArgs {
  /** The name of a step of `src/steps/common-steps.ts`, or of a cloud. */
  step: string;
  /** What it works on. Its change runs `update`, which may only change what lies beside the published bytes. */
  input: pulumi.Input<object>;
  /** What its result stands for: a change replaces it, deleting before creating. */
  replaceOn: pulumi.Input<string>[];
  /**
   * Whether a change of inputs is ignored: what has been built stays, until the ledger says otherwise. Off where a
   * stack rebuilds what changed.
   */
  frozen: boolean;
}

/**
 * A tracked command: one step of an image's way, done by `scripts/step.ts`, with its one-line JSON result as output.
 *
 * The three command lines are constants: with anything variable in them, an edit of `delete`'s text alone would run
 * `update`, make stdout unknown, and replace all that depends on it. Variables are in the environment. A text of an older
 * version stays in the states that it is in, and is ignored: `exec node --import tsx scripts/step.ts …`, which is why
 * `tsx` is a dependency as long as states name it.
 */
export class StepCommand extends command.local.Command {
  constructor(name: string, args: StepCommandArgs, opts: pulumi.CustomResourceOptions) {
    super(
      name,
      {
        // `exec`, for a cancelled command is killed alone: a shell around it would leave it running.
        create: "exec node scripts/step.ts create",
        update: "exec node scripts/step.ts update",
        delete: "exec node scripts/step.ts delete",
        environment: {
          [stepVariables.name]: args.step,
          [stepVariables.input]: pulumi.jsonStringify(args.input),
        },
        triggers: args.replaceOn,
        // Progress and errors; the result on stdout is an output and no news.
        logging: command.local.Logging.Stderr,
      },
      {
        ...opts,
        // Create-then-delete under one name would delete what was just created.
        deleteBeforeReplace: true,
        // States keep the lines, and the name of the step, that they were made with: new texts alone run no update.
        ignoreChanges: args.frozen ? ["*"] : ["create", "update", "delete", "environment.ALPINE_STEP"],
      },
    );
  }

  /**
   * The step's result. Undefined where this command was left out (`--target`) or has not run, for a throw in an apply
   * would end the whole run.
   */
  result<T>(): pulumi.Output<T | undefined> {
    return this.stdout.apply((stdout) => parseResult<T>(stdout));
  }

  /**
   * Warns, at preview and up, when what was built stands for other inputs than today's: a frozen command keeps it.
   * @param today the digest that the triggers would have now
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
