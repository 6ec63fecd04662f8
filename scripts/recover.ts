/**
 * `npm run recover -- --stack NAME`: after a run that was killed. Clears the engine's lock, and forgets creates and
 * deletes that were under way, so that the next `pulumi up` starts them again.
 *
 * That is safe for this project's commands: a step writes under unfinished names and renames last, an interrupted
 * build is swept away by the next one, and what was finished but not recorded is found again and taken over.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { execa } from "execa";
import { z } from "zod";
import { runMain, UserError } from "./lib/user-error.ts";
import { projectRoot } from "./lib/workspace.ts";
import { pulumiEnvironment } from "./pulumi.mjs";

const lockSchema = z.object({
  pid: z.number(),
  hostname: z.string(),
  username: z.string(),
  timestamp: z.string(),
});
type Lock = z.infer<typeof lockSchema> & { file: string };

const deploymentSchema = z.looseObject({
  deployment: z.looseObject({
    pending_operations: z
      .array(z.object({ type: z.string(), resource: z.looseObject({ urn: z.string() }) }))
      .nullish(),
  }),
});

const program = new Command("npm run recover --")
  .description("After a killed run: clears the engine's lock and forgets what was under way.")
  .option("--stack <name>", "the stack to recover", "dev")
  .action(({ stack }: { stack: string }) => runMain(() => recover(stack)));

async function recover(stack: string): Promise<void> {
  const env = pulumiEnvironment({ stack });
  const pulumi = (args: string[], input?: string): Promise<{ stdout: string }> =>
    execa("pulumi", [...args, "--stack", stack, "--non-interactive"], {
      env,
      cwd: projectRoot,
      stderr: ["pipe"],
      ...(input === undefined ? {} : { input }),
    });

  const locks = findLocks(env.PULUMI_BACKEND_URL, stack);
  const running = locks.find((lock) => lock.hostname === os.hostname() && isPulumi(lock.pid));
  if (running !== undefined) {
    throw new UserError(
      `a run of stack ${stack} is still going: process ${running.pid}, since ${running.timestamp}`,
      "wait for it, or end it with Ctrl-C or `kill -INT`; recover is for runs that are gone",
    );
  }
  const foreign = locks.find((lock) => lock.hostname !== os.hostname());
  if (foreign !== undefined) {
    process.stderr.write(
      `the lock was taken on ${foreign.hostname} by ${foreign.username}, process ${foreign.pid}: clearing it\n`,
    );
  }
  if (locks.length > 0 || !isFileBackend(env.PULUMI_BACKEND_URL)) {
    await pulumi(["cancel", "--yes"]);
    process.stderr.write(`cleared the lock of stack ${stack}\n`);
  }

  const { stdout } = await pulumi(["stack", "export"]);
  const state = deploymentSchema.parse(JSON.parse(stdout));
  const pending = state.deployment.pending_operations ?? [];
  if (pending.length > 0) {
    for (const { type, resource } of pending) process.stderr.write(`forgetting ${type} of ${resource.urn}\n`);
    const cleaned = { ...state, deployment: { ...state.deployment, pending_operations: [] } };
    await pulumi(["stack", "import"], JSON.stringify(cleaned));
  }
  process.stderr.write(
    locks.length === 0 && pending.length === 0
      ? `stack ${stack} needs no recovery\n`
      : `stack ${stack} is recovered: run \`npm run pulumi -- up --stack ${stack}\` to finish what was interrupted\n`,
  );
}

function isFileBackend(backend: string | undefined): boolean {
  return backend?.startsWith("file://") === true;
}

/** Locks of a stack in a file backend: .pulumi/locks/…/STACK/ID.json. */
function findLocks(backend: string | undefined, stack: string): Lock[] {
  if (backend === undefined || !isFileBackend(backend)) return [];
  const folder = path.join(fileURLToPath(backend), ".pulumi", "locks");
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".json") && path.basename(path.dirname(name)) === stack)
    .map((name) => {
      const file = path.join(folder, name);
      return { ...lockSchema.parse(JSON.parse(readFileSync(file, "utf8"))), file };
    });
}

/** Whether that process is there and is a Pulumi, for numbers are used again. */
function isPulumi(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  const commandLine = `/proc/${pid}/cmdline`;
  return !existsSync(commandLine) || readFileSync(commandLine, "utf8").includes("pulumi");
}

await program.parseAsync();
