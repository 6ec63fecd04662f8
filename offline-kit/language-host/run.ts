/** Runs the Pulumi program: node with the SDK's own `cmd/run`, like the real language host. */
import { spawn, type ChildProcess } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import type language from "@pulumi/pulumi/proto/language_pb.js";
import { parseRuntimeOptions, splitShellWords, type RuntimeOptions } from "./options.ts";

/** `error` is shown to the user. If `bail` is set, the program has already shown its error. */
export interface RunOutcome {
  error: string;
  bail: boolean;
}

/** cmd/run exits with this code if it has reported the error to the engine itself. */
const exitCodeAlreadyReported = 32;

/** How long to wait after SIGINT before a cancelled program is killed. */
const cancellationGraceMilliseconds = 5000;

const outOfMemoryMarks = [
  "<--- Last few GCs --->",
  "Check failed: needs_context && current_scope_ == closure_scope_",
];

export async function runProgram(
  request: language.RunRequest,
  engineAddress: string,
  signal: AbortSignal,
): Promise<RunOutcome> {
  try {
    const info = request.getInfo();
    const options = parseRuntimeOptions(info?.getOptions()?.toJavaScript() ?? {});
    const runPath = locateRunModule(info?.getProgramDirectory() ?? process.cwd());
    const child = spawn(
      "node",
      [...splitShellWords(options.nodeargs), runPath, ...programArguments(request, engineAddress)],
      // Keeps the engine's working directory, which `nodeargs` refer to. cmd/run then changes to --pwd.
      { env: programEnvironment(request, options), stdio: ["ignore", "pipe", "pipe"] },
    );
    return await outcomeOf(child, signal);
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  }
}

/** Finds the SDK, resolved from the program's folder. */
export function locateRunModule(programDirectory: string): string {
  const module = process.env["PULUMI_LANGUAGE_NODEJS_RUN_PATH"] || "@pulumi/pulumi/cmd/run";
  try {
    return createRequire(join(programDirectory, "[eval]")).resolve(module);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "MODULE_NOT_FOUND") {
      throw new Error("It looks like the Pulumi SDK has not been installed. Have you run pulumi install?", {
        cause: error,
      });
    }
    throw error;
  }
}

function programArguments(request: language.RunRequest, engineAddress: string): string[] {
  const info = request.getInfo();
  const flags: [string, string | undefined][] = [
    ["monitor", request.getMonitorAddress()],
    ["engine", engineAddress],
    ["organization", request.getOrganization()],
    ["project", request.getProject()],
    ["root-directory", info?.getRootDirectory()],
    ["stack", request.getStack()],
    ["pwd", info?.getProgramDirectory()],
  ];
  return [
    ...flags.flatMap(([name, value]) => (value ? [`--${name}`, value] : [])),
    ...(request.getDryrun() ? ["--dry-run"] : []),
    "--parallel",
    String(request.getParallel()),
    info?.getEntryPoint() ?? ".",
    ...request.getArgsList(),
  ];
}

function programEnvironment(request: language.RunRequest, options: RuntimeOptions): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = {
    ...process.env,
    PULUMI_CONFIG: JSON.stringify(legacyConfig([...request.getConfigMap().getEntryList()])),
    PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
  };
  if (options.typescript) environment["PULUMI_NODEJS_TYPESCRIPT"] = "true";
  if (options.tsconfig) environment["PULUMI_NODEJS_TSCONFIG_PATH"] = options.tsconfig;
  return environment;
}

/** Passes config keys to the program in their old form, `namespace:config:name`, which every SDK reads. */
export function legacyConfig(entries: readonly (readonly [string, string])[]): Record<string, string> {
  return Object.fromEntries(
    entries.map(([key, value]) => {
      const parts = key.split(":");
      const [namespace, middle] = parts;
      if (parts.length !== 2 && !(parts.length === 3 && middle === "config")) {
        throw new Error(`failed to serialize configuration: could not parse ${key} as a configuration key`);
      }
      return [`${namespace}:config:${parts.at(-1)}`, value];
    }),
  );
}

async function outcomeOf(child: ChildProcess, signal: AbortSignal): Promise<RunOutcome> {
  const stderr = new PassThrough();
  const memory = watchForOutOfMemory(stderr);
  child.stdout?.pipe(process.stdout, { end: false });
  child.stderr?.pipe(process.stderr, { end: false });
  child.stderr?.pipe(stderr);
  const stop = (): void => cancel(child);
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", resolve);
    });
    if (code === 0) return { error: "", bail: false };
    if (code === exitCodeAlreadyReported) return { error: "", bail: true };
    const message = `Program exited with non-zero exit code: ${code ?? -1}`;
    return failed((await memory) ? `${message}. ${outOfMemoryAdvice}` : message);
  } catch (error) {
    return failed(`Problem executing program (could not run language executor): ${String(error)}`);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function cancel(child: ChildProcess): void {
  child.kill("SIGINT");
  const timer = setTimeout(() => {
    child.kill("SIGKILL");
    child.stdout?.destroy();
    child.stderr?.destroy();
  }, cancellationGraceMilliseconds);
  child.once("close", () => clearTimeout(timer));
}

const outOfMemoryAdvice =
  "Detected a possible out of memory error. Consider increasing the memory available to the nodejs process by " +
  "setting the `nodeargs` runtime option in Pulumi.yaml to `nodeargs: --max-old-space-size=<size>`.";

async function watchForOutOfMemory(stderr: PassThrough): Promise<boolean> {
  let detected = false;
  for await (const line of createInterface({ input: stderr })) {
    detected ||= outOfMemoryMarks.some((mark) => line.includes(mark));
  }
  return detected;
}

function failed(error: string): RunOutcome {
  return { error, bail: false };
}
