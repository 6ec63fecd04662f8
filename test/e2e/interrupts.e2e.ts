/** A build that is interrupted: by Ctrl-C, by kill -9 of the builder, by kill -9 of the engine. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { existsSync, truncateSync } from "node:fs";
import { commandLine, isRunning, processesWith, runProgram, waitUntil } from "../helpers/processes.ts";
import { parentOf } from "../../src/steps/end-with-engine.ts";
import { type PulumiResult, resultOf } from "../helpers/pulumi-project.ts";
import { DeclaredImage, missingForBuild } from "./declared-image.ts";

/** Seconds within which nothing of a killed run may run any more. */
const graceSeconds = 5;

interface Build {
  cli: ChildProcess;
  /** What the CLI says once it has ended. */
  ended: Promise<PulumiResult>;
  /** The process that runs `scripts/step.ts`. */
  builder: number;
}

describe("an interrupted build", function () {
  this.timeout(1_200_000);
  let project: DeclaredImage;

  before(async function () {
    const missing = existsSync("/proc/self")
      ? missingForBuild()
      : "processes are looked for in /proc, and only Linux has it";
    if (missing !== undefined) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
    project = new DeclaredImage();
    await project.begin();
    // A guest in a VM takes long enough to be met. isolation.e2e.ts kills builders of the other kind.
    project.configure(project.settings({ "alpine:build": { isolation: "vm" } }));
  });

  after(async () => {
    if (project === undefined) return;
    // A test that failed may have left something running.
    for (const pid of processesWith(project.folder)) process.kill(pid, "SIGKILL");
    await project.end();
  });

  /** Guests of this checkout: their unfinished files are in it. */
  const guests = (): number[] =>
    processesWith(project.path("work/tmp")).filter((pid) => commandLine(pid).includes("qemu-system"));

  /** Runs `up` until a guest runs. */
  const startBuild = async (): Promise<Build> => {
    const cli = project.start("up", "--yes", "--skip-preview");
    const ended = resultOf(cli);
    let over = false;
    void ended.then(() => (over = true));
    await waitUntil("a guest runs", () => over || guests().length > 0, 300);
    if (over) assert.fail(`up ended before a guest ran:\n${(await ended).output}`);
    const scratch = /work\/tmp\/(\d+)-/.exec(commandLine(guests()[0]!));
    return { cli, ended, builder: Number(scratch?.[1]) };
  };

  const assertNothingMade = async (): Promise<void> => {
    assert.deepEqual(project.files("work/storage"), []);
    assert.deepEqual(project.builtImages(), []);
    assert.equal(await project.command("disk"), undefined);
  };

  const recover = async (): Promise<{ code: number | null; stderr: string }> =>
    await runProgram("node", ["scripts/recover.ts", "--stack", project.stack], {
      cwd: project.folder,
      env: project.environment,
    });

  it("ends with its guest when the engine gets Ctrl-C, and leaves nothing half-made", async () => {
    const { cli, ended, builder } = await startBuild();
    assert.ok(isRunning(builder));
    cli.kill("SIGINT");
    const { code, output } = await ended;
    assert.notEqual(code, 0);
    assert.match(output, /cancel/i);
    await waitUntil(
      "builder and guest are gone",
      () => guests().length === 0 && !isRunning(builder),
      graceSeconds,
    );
    await assertNothingMade();
  });

  it("takes its guest along when the builder is killed, and `up` says so", async () => {
    const { ended, builder } = await startBuild();
    process.kill(builder, "SIGKILL");
    await waitUntil("the guest is gone", () => guests().length === 0, graceSeconds);
    const { code, output } = await ended;
    assert.notEqual(code, 0);
    assert.match(output, /error: signal: killed: running "exec node scripts\/step\.ts create"/);
    await assertNothingMade();
  });

  it("ends when the engine is killed, and cannot be recovered before", async () => {
    const { cli, ended, builder } = await startBuild();
    const refusal = await recover();
    assert.equal(refusal.code, 1, refusal.stderr);
    assert.match(refusal.stderr, new RegExp(`still active: process ${cli.pid}`));
    assert.ok(isRunning(builder), "recover must not disturb the run");
    const port = enginePort(cli);
    cli.kill("SIGKILL");
    await waitUntil(
      "builder and guest are gone",
      () => guests().length === 0 && !isRunning(builder),
      graceSeconds,
    );
    // Plugins that had nothing to do notice only after minutes, as Pulumi's own do, and keep the pipes open.
    for (const pid of processesWith(port)) process.kill(pid, "SIGKILL");
    await ended;
    assert.deepEqual(project.files("work/storage"), []);
    assert.deepEqual(project.builtImages(), []);
  });

  it("leaves a lock and a pending create of a killed engine, which `npm run recover` clears", async () => {
    const locked = await project.run("up", "--yes", "--skip-preview");
    assert.notEqual(locked.code, 0);
    assert.match(locked.output, /currently locked/);
    // A kill in the midst of a write leaves this too, once in many times.
    const stacks = "isolated/state/.pulumi/stacks";
    const state = project.files(stacks).find((file) => file.endsWith(`/${project.stack}.json`))!;
    truncateSync(project.path(stacks, `${state}.attrs`));
    assert.match((await project.run("stack", "export")).output, /failed to load checkpoint: EOF/);
    const { code, stderr } = await recover();
    assert.equal(code, 0, stderr);
    assert.match(stderr, new RegExp(`repaired \\S+/${project.stack}.json: its attributes were incomplete`));
    assert.match(stderr, new RegExp(`dropping pending operation: creating \\S+::${project.key}-disk`));
    assert.deepEqual(project.files("isolated/state/.pulumi/locks"), []);
    const { changes, warnings } = await project.preview();
    assert.equal(changes[`${project.key}-disk`], "create");
    assert.deepEqual(
      warnings.filter((warning) => warning.includes("interrupted")),
      [],
    );
    await assertNothingMade();
  });

  it("has left no unfinished files, and is finished by the next `up`", async () => {
    assert.deepEqual(project.files("work/tmp"), []);
    await project.up();
    assert.deepEqual(project.files("work/tmp"), []);
    assert.ok(project.files(project.storage).includes(`${project.name}.qcow2`));
    const check = await runProgram("sha512sum", ["-c", `${project.name}.qcow2.sha512`], {
      cwd: project.path(project.storage),
    });
    assert.equal(check.code, 0, check.stderr);
    assert.ok(await project.result("metadata"));
  });
});

/** The address by which the engine's plugins know it. */
function enginePort(cli: ChildProcess): string {
  const children = processesWith("127.0.0.1:").filter((pid) => parentOf(pid) === cli.pid);
  const port = /127\.0\.0\.1:\d+/.exec(children.map(commandLine).join(" "))?.[0];
  assert.ok(port !== undefined, "the engine has no plugins");
  return port;
}
