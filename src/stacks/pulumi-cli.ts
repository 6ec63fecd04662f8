/**
 * Runs the Pulumi CLI with the project's tools, backend and passphrase, in the project's folder, and without prompts. No other file
 * runs it, except scripts/pulumi.mjs: that does the same in plain Node, for `npm run pulumi`.
 */
import { execa, ExecaError } from "execa";
import { z } from "zod";
import { pulumiEnvironment, stackNamedBy } from "../bootstrap/environment.mjs";
import { runInForeground } from "../bootstrap/run-in-foreground.mjs";
import { fromJson } from "../lib/from-json.ts";
import { UserError } from "../lib/user-error.ts";
import { projectRoot } from "../lib/workspace.ts";

/** The error of a failed Pulumi command. */
export class PulumiError extends UserError {
  /** What the command printed on stdout and stderr. */
  readonly printed: string;

  constructor(args: readonly string[], printed: string, options?: ErrorOptions) {
    super("pulumi-failed", `pulumi ${args.join(" ")} failed:\n${printed}`, undefined, options);
    this.printed = printed;
  }
}

export interface PulumiOptions {
  /** The stack. @default the stack that `args` name, or the selected one */
  stack?: string;
  /** The command's standard input. */
  input?: string;
}

/** The longest output of a command, in characters: about the limit of Node's strings. */
const maxBuffer = 1 << 29;

/**
 * Runs a command of the CLI.
 * @param args the command without `--stack` and `--non-interactive`
 * @returns what it printed on standard output
 * @throws PulumiError if the command fails
 */
export async function runPulumi(
  args: readonly string[],
  { stack, input }: PulumiOptions = {},
): Promise<string> {
  const named = stack === undefined ? args : [...args, "--stack", stack];
  try {
    const { stdout } = await execa("pulumi", [...named, "--non-interactive"], {
      env: cliEnvironment(named),
      cwd: projectRoot,
      maxBuffer,
      // Without input, the command reads the end of file instead of waiting.
      input: input ?? "",
    });
    return stdout;
  } catch (error) {
    if (!(error instanceof ExecaError)) throw error;
    throw new PulumiError(named, printedBy(error as ExecaError), { cause: error });
  }
}

/**
 * Runs a command of the CLI in this terminal, which passes signals to it.
 * @param args the whole command, with `--stack`
 * @param onOutput gets the command's standard output, which is not shown otherwise
 * @returns its exit code
 */
export async function runPulumiInForeground(
  args: readonly string[],
  onOutput: (text: string) => void,
): Promise<number> {
  return await runInForeground("pulumi", args, cliEnvironment(args), onOutput);
}

/** The URL of a stack's backend; undefined if no variable sets it, so that Pulumi's own settings apply. */
export function backendUrl(stack: string): string | undefined {
  return pulumiEnvironment({ stack }).PULUMI_BACKEND_URL;
}

function cliEnvironment(args: readonly string[]): NodeJS.ProcessEnv {
  return pulumiEnvironment({ stack: stackNamedBy(args) });
}

/** The part of the output of `preview --json` that has its errors. */
const diagnosticsSchema = z.object({
  diagnostics: z.array(z.object({ severity: z.string(), message: z.string().default("") })),
});

/** The messages of a failed command. If it could not be started, the reason. */
function printedBy(error: ExecaError): string {
  const {
    stdout = "",
    stderr = "",
    originalMessage,
    shortMessage,
  } = error as unknown as Partial<Record<string, string>>;
  const diagnostics = diagnosticsSchema.safeParse(fromJson(stdout)).data?.diagnostics;
  const errors = diagnostics?.filter(({ severity }) => severity === "error");
  const said = errors === undefined ? stdout : errors.map(({ message }) => message.trim()).join("\n");
  return [said, stderr].filter(Boolean).join("\n") || (originalMessage ?? shortMessage ?? "");
}
