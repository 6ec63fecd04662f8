/**
 * States that older versions of the project wrote, previewed by today's program: nothing is made anew, replaced or deleted,
 * whatever has been moved or renamed since. See ../fixtures/states/README.md.
 */
import assert from "node:assert/strict";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse, stringify } from "yaml";
import { CloudFolder } from "../doubles/aws/cloud-folder.ts";
import { doubleEnvironment } from "../doubles/aws/install.ts";
import type { StateResource } from "../../src/stacks/state.ts";
import { resultOf } from "../helpers/pulumi-project.ts";
import { Checkout } from "./checkout.ts";

const states = resolve(import.meta.dirname, "../fixtures/states");

/** As stack `dev` had it when its state was written. */
const devPassphrase = "alpine-cloud-images-dev";

interface Step {
  op: string;
  urn: string;
}

interface StatePreview {
  code: number | null;
  /** What the CLI said, for messages. */
  output: string;
  steps: Step[];
  /** Messages of severity error. */
  errors: string;
}

/** A checkout of today's program with a stack of a fixture: its files, its state, and nothing of what it made. */
class OldStack extends Checkout {
  readonly name: string;
  readonly recorded: StateResource[];

  constructor(name: string) {
    super();
    this.name = name;
    const fixture = join(states, name);
    for (const file of readdirSync(fixture).filter((one) => one !== "state.json")) {
      cpSync(join(fixture, file), this.path(file), { recursive: true });
    }
    // The setting was called so before December 2026: stack files are people's to change, states are not.
    const stackFile = this.path(`Pulumi.${name}.yaml`);
    writeFileSync(stackFile, readFileSync(stackFile, "utf8").replace(/\bdouble:/, "emulator:"));
    const state = JSON.parse(readFileSync(join(fixture, "state.json"), "utf8")) as {
      deployment: { resources: StateResource[] };
    };
    this.recorded = state.deployment.resources;
  }

  async begin(environment: NodeJS.ProcessEnv = {}): Promise<void> {
    Object.assign(this.environment, environment, { PULUMI_STACK: this.name });
    await this.succeed("stack", "init", this.name);
    await this.succeed("stack", "import", "--file", join(states, this.name, "state.json"));
  }

  /** In an environment with the double, whose cloud is empty: a preview asks nobody. */
  async beginOnDouble(): Promise<void> {
    const provider = this.recorded.find(({ type }) => type === "pulumi:providers:aws");
    const [account] = JSON.parse(String(provider?.inputs?.["allowedAccountIds"])) as string[];
    const { folder } = new CloudFolder(this.path("cloud"));
    const environment = doubleEnvironment(this.environment, { folder, account: account! });
    for (const name of Object.keys(this.environment)) delete this.environment[name];
    await this.begin(environment);
  }

  /** How many resources a whole preview tells of: all but providers that no program declares. */
  get told(): number {
    return this.recorded.filter(({ urn }) => !/::pulumi:providers:\w+::default_/.test(urn)).length;
  }

  /** Changes one of the fixture's YAML files. */
  edit<T>(file: string, change: (content: T) => void): void {
    const content = parse(readFileSync(this.path(file), "utf8")) as T;
    change(content);
    this.write(file, stringify(content));
  }

  /** The URNs, as the state has them, whose names begin so. */
  urns(beginning: string): string[] {
    return this.recorded.map(({ urn }) => urn).filter((urn) => urn.split("::").at(-1)!.startsWith(beginning));
  }

  async previewOf(...flags: string[]): Promise<StatePreview> {
    const child = this.start("preview", "--json", "--show-sames", ...flags);
    let printed = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (printed += text));
    const { code, output } = await resultOf(child);
    assert.ok(printed.trimStart().startsWith("{"), output);
    const { steps = [], diagnostics = [] } = JSON.parse(printed) as {
      steps?: Step[];
      diagnostics?: { severity: string; message?: string }[];
    };
    const errors = diagnostics
      .filter(({ severity }) => severity === "error")
      .map(({ message = "" }) => message);
    return { code, output, steps: steps.map(({ op, urn }) => ({ op, urn })), errors: errors.join("\n") };
  }
}

const others = (steps: readonly Step[], ...expected: string[]): Step[] =>
  steps.filter(({ op }) => !expected.includes(op));

const names = (steps: readonly Step[]): string[] => steps.map(({ urn }) => urn.split("::").at(-1)!);

const targets = (urns: readonly string[]): string[] => urns.flatMap((urn) => ["--target", urn]);

describe("states of older versions", function () {
  this.timeout(300_000);

  const begun = (name: string, begin: (stack: OldStack) => Promise<void>): (() => OldStack) => {
    let stack: OldStack | undefined;
    before(async () => {
      stack = new OldStack(name);
      await begin(stack);
    });
    after(() => stack?.remove());
    return () => stack!;
  };

  for (const name of ["aws-release", "aws-direct"]) {
    describe(`a stack of published images: ${name}`, () => {
      const stack = begun(name, (one) => one.beginOnDouble());
      const image = "3.23.6-x86_64-uefi-tiny-aws-r0";

      it("has nothing to do", async () => {
        const { code, output, steps } = await stack().previewOf("--expect-no-changes");
        assert.deepEqual(others(steps, "same"), []);
        assert.equal(code, 0, output);
        assert.equal(steps.length, stack().told, "each resource of the state is one of the program");
      });

      it("has nothing to do of one image", async () => {
        const component = stack()
          .urns(image)
          .find((urn) => urn.endsWith(`ImageVariant::${image}`));
        assert.ok(component);
        for (const urns of [[component], stack().urns(image)]) {
          const { code, output, steps } = await stack().previewOf("--expect-no-changes", ...targets(urns));
          assert.deepEqual(others(steps, "same"), []);
          assert.equal(code, 0, output);
          assert.ok(steps.length >= urns.length, output);
        }
      });

      it("shows a changed description as updates in place, of metadata too, and of one image where that is the target", async () => {
        const layer = `overlay-${name}/mandatory.yaml`;
        const before = readFileSync(stack().path(layer), "utf8");
        stack().edit<Record<string, unknown>>(layer, (content) => (content["description"] = ["and more"]));
        const all = await stack().previewOf();
        const one = await stack().previewOf(...targets(stack().urns(image)));
        stack().write(layer, before);
        for (const { code, output, steps } of [all, one]) {
          assert.equal(code, 0, output);
          assert.deepEqual(others(steps, "same", "update"), []);
          const updated = names(others(steps, "same"));
          assert.ok(updated.includes(image), updated.join("\n"));
          assert.ok(updated.includes(`${image}-metadata`), updated.join("\n"));
          // What was built stays.
          const built = updated.filter((one) => /-(disk|artifact|signatures|upload|snapshot)$/.test(one));
          assert.deepEqual(built, []);
        }
        const ofOthers = names(others(one.steps, "same")).filter((one) => !one.startsWith(image));
        assert.deepEqual(ofOthers, []);
      });

      it("refuses to lose an image", async () => {
        const ledger = `${name}.releases.yaml`;
        const before = readFileSync(stack().path(ledger), "utf8");
        interface Ledger {
          versions: Record<string, { entries: { release: string }[] }>;
        }
        stack().edit<Ledger>(ledger, ({ versions }) => (versions["3.23"]!.entries = []));
        const { code, output, errors } = await stack().previewOf();
        stack().write(ledger, before);
        assert.notEqual(code, 0);
        assert.match(errors || output, /protect/);
      });
    });
  }

  describe("stack dev, as `npm start` makes it", () => {
    const stack = begun("dev", (one) => one.begin({ PULUMI_CONFIG_PASSPHRASE: devPassphrase }));

    /** The builder's version is another one now. The stack says `rebuild: changed`, so its image is made anew. */
    const rebuilt = /-(disk|artifact|metadata)$/;
    const unexpected = (steps: Step[]): Step[] =>
      steps.filter(
        ({ op, urn }) => !/^(same|update)$/.test(op) && !(/replace/.test(op) && rebuilt.test(urn)),
      );

    it("has its image rebuilt, and otherwise at most updates in place", async () => {
      const { code, output, steps } = await stack().previewOf();
      assert.equal(code, 0, output);
      assert.deepEqual(unexpected(steps), []);
      assert.equal(steps.length, stack().told, "each resource of the state is one of the program");
    });

    it("has just the image's disk rebuilt, if that is the target", async () => {
      const urns = stack().urns("3.23.6-x86_64-bios-tiny-nocloud-r0-disk");
      assert.equal(urns.length, 1);
      const { code, output, steps } = await stack().previewOf(...targets(urns));
      assert.equal(code, 0, output);
      assert.deepEqual(unexpected(steps), []);
      assert.ok(steps.some(({ urn }) => urn.endsWith("-disk")));
    });
  });
});
