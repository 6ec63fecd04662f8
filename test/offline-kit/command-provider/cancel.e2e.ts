import assert from "node:assert/strict";
import { interruptWhenThere, isAlive } from "../../helpers/interrupt.ts";
import { CommandsProject } from "./commands-project.ts";

/** What Ctrl-C does to a running command, through the real CLI: the real provider where there is one. */
describe("command provider: cancellation", function () {
  this.timeout(120_000);
  let project: CommandsProject;
  const started: number[] = [];

  beforeEach(async () => {
    project = new CommandsProject();
    await project.initialize();
  });

  afterEach(() => {
    project.remove();
    for (const pid of started.splice(0)) if (isAlive(pid)) process.kill(pid, "SIGKILL");
  });

  async function interruptedUp(): Promise<{ output: string; pid: number }> {
    const { code, output, pid } = await interruptWhenThere(project, "pid", ["up", "--yes", "--skip-preview"]);
    started.push(pid);
    assert.notEqual(code, 0);
    return { output, pid };
  }

  it("kills the process it started at once: no trap runs, and the state keeps nothing", async () => {
    project.declare({
      one: { create: "trap 'echo trapped >> log' TERM INT; echo $$ > pid; while :; do sleep 0.1; done" },
    });
    const { output, pid } = await interruptedUp();
    assert.match(output, /signal: killed: running/);
    assert.equal(isAlive(pid), false);
    assert.deepEqual(project.takeLog(), []);
    assert.equal(await project.command("one"), undefined);
  });

  it("leaves a grandchild alive that is in a process group of its own", async () => {
    project.declare({
      one: { create: "setsid sleep 300 > /dev/null 2>&1 & echo $! > pid; while :; do sleep 0.1; done" },
    });
    const { pid } = await interruptedUp();
    assert.equal(isAlive(pid), true);
  });

  it("ends what is started with exec", async () => {
    project.declare({ one: { create: "echo $$ > pid; exec sleep 300" } });
    const { pid } = await interruptedUp();
    assert.equal(isAlive(pid), false);
  });
});
