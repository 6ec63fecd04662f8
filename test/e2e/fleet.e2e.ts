/** `npm run fleet` on the real engine: stacks by Alpine version, and a command over all of them. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { stringify } from "yaml";
import { runProgram, type Ended } from "../helpers/processes.ts";
import { Checkout } from "./checkout.ts";

describe("a fleet", function () {
  this.timeout(120_000);
  const checkout = new Checkout();
  after(() => checkout.remove());

  const fleet = async (...args: string[]): Promise<Ended> =>
    await runProgram("node", ["scripts/fleet.ts", ...args], {
      cwd: checkout.folder,
      env: checkout.environment,
    });
  const template = (config: Record<string, unknown>): void =>
    checkout.write("Pulumi.fleet.yaml", stringify({ config }));
  const settings = {
    "alpine:ledger": "releases.fleet.yaml",
    "alpine:mirror": { name: "offline", url: "file:///nowhere" },
  };

  before(() => {
    const image = { arch: "x86_64", firmware: "bios", bootstrap: "tiny", cloud: "nocloud" };
    const version = (release: string) => ({
      endOfLife: "2027-11-01",
      entries: [
        {
          release,
          date: "2026-09-17",
          revision: 0,
          stage: "local",
          added: "2026-11-01",
          images: [image],
        },
      ],
    });
    const versions = { "3.22": version("3.22.2"), "3.23": version("3.23.6") };
    checkout.write("releases.fleet.yaml", stringify({ versions }));
    template(settings);
  });

  it("is made by one command, whose files Pulumi's own additions stay in", async () => {
    const made = await fleet("make", "fleet");
    assert.equal(made.code, 0, made.stderr);
    template({ ...settings, "alpine:rebuild": "changed" });
    const again = await fleet("make", "fleet", "--json");
    assert.deepEqual(
      (JSON.parse(again.stdout) as Record<string, string>[]).map(({ stack, stackState, settings }) => ({
        stack,
        stackState,
        settings,
      })),
      ["fleet-3.22", "fleet-3.23"].map((stack) => ({ stack, stackState: "there", settings: "updated" })),
    );
    const file = readFileSync(checkout.path("Pulumi.fleet-3.23.yaml"), "utf8");
    assert.match(file, /^# .*\n# Made from Pulumi\.fleet\.yaml/);
    assert.match(file, /alpine:rebuild: changed/);
    assert.match(file, /^encryptionsalt: v1:/m);
  });

  it("is previewed stack by stack: one that fails does not keep the others from it", async () => {
    checkout.write("Pulumi.fleet-3.22.yaml", "config:\n  alpine:stage: nowhere\n");
    const { code, stdout, stderr } = await fleet("run", "fleet", "--json", "--", "preview");
    assert.equal(code, 1);
    assert.match(stderr, /^== fleet-3\.23: pulumi preview\n(.*\n)*Previewing update/m);
    const runs = JSON.parse(stdout) as { stack: string; code: number; changes: object }[];
    assert.deepEqual(
      runs.map(({ stack, code, changes }) => ({ stack, isDone: code === 0, changes })),
      [
        { stack: "fleet-3.22", isDone: false, changes: { "to create": 1, errored: 1 } },
        { stack: "fleet-3.23", isDone: true, changes: { "to create": 4 } },
      ],
    );
  });
});
