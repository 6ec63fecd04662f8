/** Stacks and their states through the real CLI. The modules are a checkout's own: what the CLI writes goes there. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { isLockRefusal } from "../../../src/stacks/locks.ts";
import type * as PulumiCli from "../../../src/stacks/pulumi-cli.ts";
import type * as Stacks from "../../../src/stacks/stacks.ts";
import type * as States from "../../../src/stacks/state.ts";
import { Checkout } from "../../e2e/checkout.ts";

describe("the CLI, for the project's programs", function () {
  this.timeout(60_000);
  const checkout = new Checkout("export {};");
  const user = process.env;
  let stacks: typeof Stacks;
  let states: typeof States;
  let cli: typeof PulumiCli;

  const load = async <Module>(file: string): Promise<Module> =>
    (await import(pathToFileURL(checkout.path(file)).href)) as Module;

  before(async () => {
    process.env = { ...checkout.environment };
    stacks = await load("src/stacks/stacks.ts");
    states = await load("src/stacks/state.ts");
    cli = await load("src/stacks/pulumi-cli.ts");
  });
  after(() => {
    process.env = user;
    checkout.remove();
  });

  it("makes stacks and lists them, and selects none of them", async () => {
    assert.deepEqual(await stacks.stackNames(), []);
    await stacks.initStack("one");
    await stacks.initStack("two");
    assert.deepEqual((await stacks.stackNames()).sort(), ["one", "two"]);
    await assert.rejects(stacks.selectedStack(), /pulumi stack --show-name failed:\n.*no stack/s);
    await checkout.succeed("stack", "select", "two");
    assert.equal(await stacks.selectedStack(), "two");
  });

  it("exports a state and imports it again", async () => {
    const state = await states.exportState("one");
    assert.deepEqual(states.resourcesOf(state), []);
    await states.importState("one", state);
    assert.deepEqual(states.resourcesOf(await states.exportState("one")), []);
  });

  it("fails with what the command printed", async () => {
    await assert.rejects(
      states.exportState("nowhere"),
      /^UserError: pulumi stack export --stack nowhere failed:\n.*no stack named 'nowhere' found/,
    );
    await assert.rejects(
      states.importState("one", { deployment: "none" } as never),
      /stack import.* failed:/,
    );
  });

  it("tells of a preview that it reads as JSON only the errors", async () => {
    checkout.write("index.ts", "process.exit(3);");
    const preview = cli.runPulumi(["preview", "--json", "--show-sames"], { stack: "two" });
    await assert.rejects(preview, ({ message }: Error) => {
      assert.match(message, /^pulumi preview --json --show-sames --stack two failed:\nerror: /);
      assert.match(message, /exited with non-zero exit code: 3/);
      assert.doesNotMatch(message, /"diagnostics"/);
      return true;
    });
  });

  it("tells that somebody holds the stack", async () => {
    const folder = checkout.path("isolated/state/.pulumi/locks/organization/test/one");
    mkdirSync(folder, { recursive: true });
    const lock = { pid: 1, username: "somebody", hostname: hostname(), timestamp: "2026-11-23T08:00:00Z" };
    writeFileSync(join(folder, "a.json"), JSON.stringify(lock));
    const state = await states.exportState("one");
    await assert.rejects(states.importState("one", state), (error: PulumiCli.PulumiError) => {
      assert.ok(isLockRefusal(error.printed), error.printed);
      return true;
    });
  });
});
