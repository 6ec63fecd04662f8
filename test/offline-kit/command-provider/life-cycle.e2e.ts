import assert from "node:assert/strict";
import { CommandsProject } from "./commands-project.ts";

/** The command provider's life cycle, through the real CLI: the real provider where there is one, else the stand-in. */
describe("command provider: life cycle", function () {
  this.timeout(120_000);
  let project: CommandsProject;

  beforeEach(async () => {
    project = new CommandsProject();
    await project.initialize();
  });

  afterEach(() => project.remove());

  const base = { create: "echo create >> log", update: "echo update >> log", delete: "echo delete >> log" };

  it("runs nothing in a preview, create in up, nothing when nothing changed, and delete in destroy", async () => {
    project.declare({ one: base });
    await project.succeed("preview");
    assert.deepEqual(project.takeLog(), []);
    await project.up();
    assert.deepEqual(project.takeLog(), ["create"]);
    await project.succeed("preview", "--expect-no-changes");
    await project.succeed("refresh", "--yes", "--skip-preview", "--expect-no-changes");
    await project.up("--expect-no-changes");
    assert.deepEqual(project.takeLog(), []);
    await project.succeed("destroy", "--yes", "--skip-preview");
    assert.deepEqual(project.takeLog(), ["delete"]);
    assert.deepEqual(await project.resources(), []);
  });

  it("runs update for any changed input, even the text of delete", async () => {
    project.declare({ one: base });
    await project.up();
    project.takeLog();
    project.declare({ one: { ...base, delete: "echo other >> log" } });
    await project.succeed("preview");
    assert.deepEqual(project.takeLog(), []);
    await project.up();
    assert.deepEqual(project.takeLog(), ["update"]);
  });

  it("runs create again where update is unset", async () => {
    const withoutUpdate = { create: base.create, delete: base.delete };
    project.declare({ one: withoutUpdate });
    await project.up();
    project.declare({ one: { ...withoutUpdate, environment: { ANY: "1" } } });
    await project.up();
    assert.deepEqual(project.takeLog(), ["create", "create"]);
  });

  it("replaces when triggers change, update set or not: first the new create, then the old delete", async () => {
    const named = (name: string) => ({
      create: `echo create ${name} >> log`,
      update: `echo update ${name} >> log`,
      delete: `echo delete ${name} >> log`,
      triggers: [name],
    });
    project.declare({ one: named("a") });
    await project.up();
    const before = await project.command("one");
    project.declare({ one: named("b") });
    await project.up();
    assert.deepEqual(project.takeLog(), ["create a", "create b", "delete a"]);
    assert.notEqual((await project.command("one"))?.id, before?.id);

    project.declare({ one: { ...named("c"), options: { deleteBeforeReplace: true } } });
    await project.up();
    assert.deepEqual(project.takeLog(), ["delete b", "create c"]);

    project.declare({ one: { ...named("c"), triggers: undefined } });
    await project.up();
    assert.deepEqual(project.takeLog(), ["create c", "delete c"]);
  });

  it("saves no state for a create that fails, so its delete never runs", async () => {
    project.declare({ one: { ...base, create: 'echo out; echo "err" >&2; exit 3' } });
    const { code, output } = await project.run("up", "--yes", "--skip-preview");
    assert.notEqual(code, 0);
    assert.match(
      output,
      /error:.* exit status 3: running "echo out; echo \\"err\\" >&2; exit 3":\n\s*(out\n\s*err|err\n\s*out)/,
    );
    assert.equal(await project.command("one"), undefined);
    await project.succeed("destroy", "--yes", "--skip-preview");
    assert.deepEqual(project.takeLog(), []);
  });

  it("keeps the old state when an update fails", async () => {
    project.declare({ one: { ...base, create: "echo first" } });
    await project.up();
    project.declare({ one: { ...base, create: "echo first", update: "exit 4" } });
    const { code, output } = await project.run("up", "--yes", "--skip-preview");
    assert.notEqual(code, 0);
    assert.match(output, /exit status 4: running "exit 4":/);
    const state = await project.command("one");
    assert.equal(state?.outputs?.["stdout"], "first");
    assert.equal(state?.outputs?.["update"], base.update);
  });

  it("kills a create at its customTimeouts", async () => {
    project.declare({ one: { create: "exec sleep 60", options: { customTimeouts: { create: "2s" } } } });
    const start = Date.now();
    const { code, output } = await project.run("up", "--yes", "--skip-preview");
    assert.notEqual(code, 0);
    assert.match(output, /signal: killed: running "exec sleep 60":/);
    assert.ok(Date.now() - start < 40_000);
  });

  it("runs create once more for what is new beside what is there", async () => {
    project.declare({ one: base });
    await project.up();
    project.declare({ one: base, two: { create: "echo two >> log" } });
    await project.up();
    assert.deepEqual(project.takeLog(), ["create", "two"]);
    project.declare({ two: { create: "echo two >> log" } });
    await project.up();
    assert.deepEqual(project.takeLog(), ["delete"]);
  });

  it("does nothing where create is unset", async () => {
    project.declare({ one: { delete: "echo delete >> log" } });
    await project.up();
    assert.equal((await project.command("one"))?.outputs?.["stdout"], "");
    await project.succeed("destroy", "--yes", "--skip-preview");
    assert.deepEqual(project.takeLog(), ["delete"]);
  });
});
