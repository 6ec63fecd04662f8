import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../../src/lib/workspace.ts";
import { runProgram } from "../../helpers/processes.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";

const lib = (name: string): string => JSON.stringify(join(projectRoot, "src/lib", name));

/** A program of this project with options `--json` and `--many`, and these lines as its work. */
function program(work: string): string {
  const file = join(temporaryFolder(), "program.mjs");
  writeFileSync(
    file,
    `import { Command } from ${JSON.stringify(join(projectRoot, "node_modules/commander/index.js"))};
     import { BootstrapError } from ${JSON.stringify(join(projectRoot, "src/bootstrap/report.mjs"))};
     import { print, printing, runCommand } from ${lib("command.ts")};
     import { UserError } from ${lib("user-error.ts")};
     const program = new Command("program").option("--json").option("--many <n>");
     const fault = () => { throw new UserError("aws-denied", "no", "ask", { where: "eu-west-1" }); };
     void [BootstrapError, print, printing, fault];
     ${work}`,
  );
  return file;
}

const run = async (file: string, ...args: string[]) =>
  runProgram(process.execPath, ["--import", "tsx", file, ...args], { cwd: projectRoot });

describe("a command", function () {
  this.timeout(20_000);
  const failing = program("await runCommand(program, fault);");

  it("prints what its work returns, and warnings apart from it", async () => {
    const file = program(`await runCommand(program, () => ({ text: "done", warnings: ["odd", "even"] }));`);
    const told = await run(file);
    assert.deepEqual(told, { code: 0, stdout: "done\n", stderr: "warning: odd\nwarning: even\n" });
  });

  it("fails with a message for people, exit code 1 and nothing on stdout", async () => {
    assert.deepEqual(await run(failing), { code: 1, stdout: "", stderr: "error: no\n  → ask\n" });
  });

  it("fails with one document on stdout where JSON is asked for, and the message all the same", async () => {
    const { code, stdout, stderr } = await run(failing, "--json");
    assert.deepEqual([code, stderr], [1, "error: no\n  → ask\n"]);
    const fault = { code: "aws-denied", message: "no", where: "eu-west-1", hint: "ask" };
    assert.deepEqual(JSON.parse(stdout), fault);
  });

  it("has no second document where it has printed its result", async () => {
    const file = program(
      `await runCommand(program, () => { print({ text: "[1]", warnings: [] }); fault(); });`,
    );
    const { code, stdout, stderr } = await run(file, "--json");
    assert.deepEqual([code, stdout, stderr], [1, "[1]\n", "error: no\n  → ask\n"]);
  });

  it("keeps the stack of a defect, and calls it so", async () => {
    const file = program(`await runCommand(program, () => { throw new TypeError("x is undefined"); });`);
    const { code, stdout, stderr } = await run(file, "--json");
    assert.equal(code, 1);
    assert.match(stderr, /^TypeError: x is undefined\n +at .*program\.mjs/);
    const { code: kind, message } = JSON.parse(stdout) as Record<string, string>;
    assert.deepEqual([kind, message], ["internal", "TypeError: x is undefined"]);
    const text = await run(program(`await runCommand(program, () => Promise.reject("text"));`));
    assert.deepEqual(text, { code: 1, stdout: "", stderr: "text\n" });
  });

  it("tells the bootstrap's faults like its own", async () => {
    const work = `throw new BootstrapError("tools-not-set-up", "no tools", "node it", { where: "work" });`;
    const { stdout, stderr } = await run(program(`await runCommand(program, () => { ${work} });`), "--json");
    assert.equal(stderr, "error: no tools\n  → node it\n");
    const fault = { code: "tools-not-set-up", message: "no tools", where: "work", hint: "node it" };
    assert.deepEqual(JSON.parse(stdout), fault);
  });

  it("takes a command line that it does not understand for a fault, with code usage", async () => {
    const { code, stdout, stderr } = await run(failing, "--json", "--jsno");
    assert.equal(code, 1);
    assert.match(stderr, /^error: unknown option '--jsno'/);
    const { code: kind, where } = JSON.parse(stdout) as Record<string, string>;
    assert.deepEqual([kind, where], ["usage", "program"]);
    assert.equal((await run(failing, "--jsno")).stdout, "");
  });

  it("prints its help and is well", async () => {
    const { code, stdout } = await run(failing, "--help");
    assert.equal(code, 0);
    assert.match(stdout, /^Usage: program/);
  });

  it("has its subcommands' faults told, and knows which of them has JSON", async () => {
    const file = program(`
      program.command("list").option("--json").action(printing(() => ({ text: "[]", warnings: [] })));
      program.command("break").option("--json").argument("[words...]").action(fault);
      await runCommand(program);`);
    assert.deepEqual(await run(file, "list"), { code: 0, stdout: "[]\n", stderr: "" });
    const { stdout } = await run(file, "break", "--json");
    assert.equal((JSON.parse(stdout) as { code: string }).code, "aws-denied");
    const { stdout: missing } = await run(file, "list", "--json", "--none");
    const { code, where } = JSON.parse(missing) as Record<string, string>;
    assert.deepEqual([code, where], ["usage", "list"]);
    // What comes after -- is another program's.
    assert.equal((await run(file, "break", "--", "--json")).stdout, "");
  });

  /** Ends when it is no longer read, after its first words. */
  async function readBriefly(file: string): Promise<{ code: unknown; stderr: string }> {
    const child = spawn(process.execPath, ["--import", "tsx", file], { stdio: ["ignore", "pipe", "pipe"] });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    await once(child.stdout, "data");
    child.stdout.destroy();
    const [code] = (await once(child, "close")) as unknown[];
    return { code, stderr };
  }

  it("is well when its reader has seen enough of the result", async () => {
    const lines = `{ text: "line\\n".repeat(100_000), warnings: [] }`;
    const file = program(`await runCommand(program, () => (${lines}));`);
    assert.deepEqual(await readBriefly(file), { code: 0, stderr: "" });
  });

  it("is not well when nobody reads what it is at", async () => {
    const file = program(`
      setInterval(() => process.stdout.write("at work\\n"), 10);
      await runCommand(program, () => new Promise(() => {}));`);
    const { code, stderr } = await readBriefly(file);
    assert.equal(code, 1);
    assert.match(stderr, /EPIPE/);
  });

  it("says that the disk is full, in its work and where it prints to", async function () {
    const { stdout, stderr } = await run(
      program(`await runCommand(program, () => {
        throw Object.assign(new Error("ENOSPC: no space left"), { code: "ENOSPC", path: "/images" });
      });`),
      "--json",
    );
    assert.match(stderr, /^error: no space is left on the disk, for \/images\n/);
    const { code, where } = JSON.parse(stdout) as Record<string, string>;
    assert.deepEqual([code, where], ["disk-full", "/images"]);
    if (!existsSync("/dev/full")) this.skip();
    const file = program(`await runCommand(program, () => ({ text: "x".repeat(100_000), warnings: [] }));`);
    const full = await runProgram(
      "sh",
      ["-c", `exec "$0" --import tsx "$1" >/dev/full`, process.execPath, file],
      { cwd: projectRoot },
    );
    assert.equal(full.code, 1);
    assert.match(full.stderr, /^error: no space is left on the disk/);
  });
});
