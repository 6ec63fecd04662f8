import assert from "node:assert/strict";
import { interruptWhenThere, isAlive } from "../../helpers/interrupt.ts";
import { PulumiProject } from "../../helpers/pulumi-project.ts";

/** Running a program as this project's is run, through the real CLI: the real language host where there is one. */
describe("language host", function () {
  this.timeout(120_000);
  let project: PulumiProject;

  const start = async (program: string | Record<string, string>): Promise<void> => {
    project = new PulumiProject(program);
    await project.succeed("stack", "init", "dev");
  };

  afterEach(() => project.remove());

  it("runs TypeScript as an ES module: preview, up, config with secrets, outputs, destroy", async () => {
    await start(`
      import * as pulumi from "@pulumi/pulumi";
      import { local } from "@pulumi/command";
      class Box extends pulumi.ComponentResource {
        public readonly text: pulumi.Output<string>;
        public constructor(name: string) {
          super("test:index:Box", name);
          this.text = new local.Command(\`\${name}-command\`, { create: "echo made" }, { parent: this }).stdout;
          this.registerOutputs({ text: this.text });
        }
      }
      const config = new pulumi.Config();
      export const text = new Box("box").text;
      export const dryRun = pulumi.runtime.isDryRun();
      export const greeting = config.require("greeting");
      export const token = config.requireSecret("token");
      export const nested = new pulumi.Config("other").requireObject("list");
      export const names = [pulumi.getProject(), pulumi.getStack(), pulumi.getOrganization()];
      export const folder = process.cwd();
      export const typescript = process.env["PULUMI_NODEJS_TYPESCRIPT"] ?? "unset";
    `);
    await project.succeed("config", "set", "greeting", "hello world");
    await project.succeed("config", "set", "--path", "other:list[0]", "first");
    await project.succeed("config", "set", "--secret", "token", "hunter2");
    assert.match(await project.succeed("preview"), /dryRun\s*: true/);
    assert.match(await project.up(), /token\s*: \[secret\]/);
    const outputs = JSON.parse(await project.succeed("stack", "output", "--json")) as Record<string, unknown>;
    assert.deepEqual(outputs, {
      text: "made",
      dryRun: false,
      greeting: "hello world",
      token: "[secret]",
      nested: ["first"],
      names: ["test", "dev", "organization"],
      folder: project.folder,
      typescript: "unset",
    });
    await project.succeed("preview", "--expect-no-changes");
    await project.succeed("destroy", "--yes", "--skip-preview");
    assert.deepEqual(await project.resources(), []);
  });

  it("shows what a program prints and its error, once, and fails", async () => {
    await start(`
      console.log("on stdout");
      console.error("on stderr");
      // With the SDK's own frames in the stack, Node 20 takes over a minute to print it.
      Error.stackTraceLimit = 1;
      throw new Error("no luck today");
    `);
    const { code, output } = await project.run("preview");
    assert.notEqual(code, 0);
    assert.match(output, /on stdout/);
    assert.match(output, /on stderr/);
    assert.match(output, /no luck today/);
    assert.doesNotMatch(output, /exited with non-zero exit code/);
  });

  it("reports a program that ends itself", async () => {
    await start("process.exit(7);");
    const { code, output } = await project.run("preview");
    assert.notEqual(code, 0);
    assert.match(output, /Program exited with non-zero exit code: 7/);
  });

  it("checks the runtime options and splits nodeargs like a shell", async () => {
    await start("export const title = process.title; export const arguments_ = process.execArgv;");
    const runtime = (options: unknown): string =>
      JSON.stringify({ name: "test", runtime: { name: "nodejs", options } });
    project.write(
      "Pulumi.yaml",
      runtime({ typescript: false, nodeargs: `--title='two words' --no-warnings` }),
    );
    await project.up();
    const outputs = JSON.parse(await project.succeed("stack", "output", "--json")) as Record<string, unknown>;
    assert.equal(outputs["title"], "two words");
    project.write("Pulumi.yaml", runtime({ typescript: "no" }));
    const { code, output } = await project.run("preview");
    assert.notEqual(code, 0);
    assert.match(output, /typescript option must be a boolean/);
  });

  it("ends a program that is interrupted", async () => {
    await start(`
      import { writeFileSync } from "node:fs";
      writeFileSync("pid", String(process.pid));
      await new Promise((resolve) => setTimeout(resolve, 100_000));
    `);
    const { code, pid } = await interruptWhenThere(project, "pid", ["preview"]);
    assert.notEqual(code, 0);
    assert.equal(isAlive(pid), false);
  });
});
