/**
 * The one place that runs the Pulumi CLI: with the project's tools, backend and passphrase, in the project's folder, and without
 * asking anybody anything. `npm run pulumi` does the same for a person, in plain Node: scripts/pulumi.mjs.
 */
import { execa, ExecaError } from "execa";
import { z } from "zod";
import { pulumiEnvironment, stackNamedBy } from "../bootstrap/environment.mjs";
import { runInForeground } from "../bootstrap/run-in-foreground.mjs";
import { fromJson } from "../lib/from-json.ts";
import { UserError } from "../lib/user-error.ts";
import { projectRoot } from "../lib/workspace.ts";

/** A command of the CLI that failed. */
export class PulumiError extends UserError {
  /** What the command printed, on whichever stream. */
  readonly printed: string;

  constructor(args: readonly string[], printed: string, options?: ErrorOptions) {
    super("pulumi-failed", `pulumi ${args.join(" ")} failed:\n${printed}`, undefined, options);
    this.printed = printed;
  }
}

export interface PulumiOptions {
  /** The stack that the command is about. Without one it is the selected stack, or the one that `args` name. */
  stack?: string;
  /** What the command reads. */
  input?: string;
}

/** The longest text that a command may print, in characters: about as long as Node's texts can be. */
const maxBuffer = 1 << 29;

/**
 * Runs a command of the CLI to its end.
 * @param args the command without `--stack` and `--non-interactive`
 * @returns what it printed on standard output
 * @throws PulumiError for a command that failed
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
      // Without an input there is nothing to read, rather than something that never comes.
      input: input ?? "",
    });
    return stdout;
  } catch (error) {
    if (!(error instanceof ExecaError)) throw error;
    throw new PulumiError(named, printedBy(error as ExecaError), { cause: error });
  }
}

/**
 * Runs a command of the CLI on this terminal, which passes signals on to it.
 * @param args the whole command, with `--stack`
 * @param onOutput gets what the command prints on standard output, which is shown nowhere else
 * @returns its exit code
 */
export async function runPulumiInForeground(
  args: readonly string[],
  onOutput: (text: string) => void,
): Promise<number> {
  return await runInForeground("pulumi", args, cliEnvironment(args), onOutput);
}

/** The URL of the backend that has a stack; undefined where no variable names it, and Pulumi's own settings do. */
export function backendUrl(stack: string): string | undefined {
  return pulumiEnvironment({ stack }).PULUMI_BACKEND_URL;
}

function cliEnvironment(args: readonly string[]): NodeJS.ProcessEnv {
  const stack = stackNamedBy(args);
  return pulumiEnvironment(stack === undefined ? {} : { stack });
}

/** What `preview --json` prints of its errors, beside all else that it prints. */
const diagnosticsSchema = z.object({
  diagnostics: z.array(z.object({ severity: z.string(), message: z.string().default("") })),
});

/** What a failed command said to a person. One that could not be started has said nothing: then why it could not. */
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
