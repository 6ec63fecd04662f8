import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { defined } from "../../../src/lib/defined.ts";
import { nameOf, type StateResource } from "../../../src/stacks/state.ts";
import { resultOf } from "../../helpers/pulumi-project.ts";
import { CommandsProject } from "./commands-project.ts";

/** How the command provider runs a process, through the real CLI: the real provider where there is one. */
describe("command provider: processes", function () {
  this.timeout(120_000);

  describe("in one run of create", () => {
    let project: CommandsProject;
    let shown: string;
    const states = new Map<string, StateResource["outputs"]>();

    before(async () => {
      project = new CommandsProject();
      await project.initialize();
      mkdirSync(project.path("sub"));
      mkdirSync(project.path("assets/deep"), { recursive: true });
      for (const file of ["a.txt", "b.bin", "deep/c.txt", "deep/secret.txt"]) {
        writeFileSync(project.path("assets", file), `content of ${file}\n`);
      }
      project.declare({
        trimmed: { create: "printf 'out\\n\\n'; printf 'err\\n' >&2" },
        environment: { create: 'echo "$GREETING,$HOME_SET"', environment: { GREETING: "hi", HOME_SET: "é" } },
        stdin: { create: "cat; cat /dev/stdin", stdin: "line 1\nline 2\n" },
        emptyStdin: { create: "wc -c" },
        directory: { create: "basename $(pwd)", dir: "sub" },
        interpreter: { create: "print(6 * 7)", interpreter: ["python3", "-c"] },
        reopened: { create: "echo to-stderr > /dev/stderr; echo to-stdout > /dev/stdout" },
        logNone: { create: "echo none-out; echo none-err >&2", logging: "none" },
        logStdout: { create: "echo only-out; echo hidden-err >&2", logging: "stdout" },
        logStderr: { create: "echo hidden-out; echo only-err >&2", logging: "stderr" },
        logBoth: { create: "echo both-out; echo both-err >&2", logging: "stdoutAndStderr" },
        longLine: { create: "head -c 65535 /dev/zero | tr '\\0' x; echo" },
        quietLongLine: { create: "head -c 200000 /dev/zero | tr '\\0' x", logging: "none" },
        assets: {
          create: "echo made > made.txt",
          dir: project.path("assets"),
          assetPaths: ["**", "!**secret.*", "!*.bin"],
          archivePaths: ["deep/*.txt"],
          logging: "none",
        },
        secret: {
          create: 'echo "got $TOKEN"',
          environment: { TOKEN: { $secret: "hunter2" } },
          logging: "none",
        },
      });
      shown = await project.up();
      for (const resource of await project.resources()) {
        if (resource.type === "command:local:Command") {
          states.set(nameOf(resource.urn), resource.outputs);
        }
      }
    });

    after(() => project.remove());

    const stdout = (name: string): unknown => states.get(name)?.["stdout"];
    const stderr = (name: string): unknown => states.get(name)?.["stderr"];

    it("keeps stdout and stderr without their last newline", () => {
      assert.equal(stdout("trimmed"), "out\n");
      assert.equal(stderr("trimmed"), "err");
    });

    it("adds environment, and feeds stdin", () => {
      assert.equal(stdout("environment"), "hi,é");
      assert.equal(stdout("stdin"), "line 1\nline 2");
      assert.equal(stdout("emptyStdin"), "0");
    });

    it("runs in dir, with interpreter", () => {
      assert.equal(stdout("directory"), "sub");
      assert.equal(stdout("interpreter"), "42");
    });

    it("gives the process pipes, which can be opened again by name", () => {
      assert.equal(stderr("reopened"), "to-stderr");
      assert.equal(stdout("reopened"), "to-stdout");
    });

    it("shows what logging says, and keeps both streams in any case", () => {
      for (const line of ["only-out", "only-err", "both-out", "both-err"])
        assert.match(shown, new RegExp(line));
      for (const line of ["none-out", "none-err", "hidden-out", "hidden-err"]) {
        assert.doesNotMatch(shown, new RegExp(`(creat|Command).*${line}`));
      }
      assert.equal(stdout("logNone"), "none-out");
      assert.equal(stderr("logStdout"), "hidden-err");
    });

    it("takes lines up to 64 KiB with logging, and any without", () => {
      assert.equal((stdout("longLine") as string).length, 65_535);
      assert.equal((stdout("quietLongLine") as string).length, 200_000);
    });

    it("collects assets and an archive by globs", () => {
      const assets = states.get("assets")?.["assets"] as Record<string, { path: string; hash: string }>;
      assert.deepEqual(Object.keys(assets).sort(), ["a.txt", "deep/c.txt", "made.txt"]);
      assert.equal(assets["a.txt"]?.path, project.path("assets/a.txt"));
      assert.match(assets["a.txt"]?.hash ?? "", /^[0-9a-f]{64}$/);
      const archive = states.get("assets")?.["archive"] as { assets: object; hash: string };
      assert.deepEqual(Object.keys(archive.assets).sort(), ["deep/c.txt", "deep/secret.txt"]);
      // What the real provider gives for these two files.
      assert.equal(archive.hash, "04b0af776349bdc6a25b5df84ac908295235d5e45ba798ef42b58ba2b9a92a04");
    });

    it("keeps a secret input secret in the state, but not the output made with it", async () => {
      assert.equal(stdout("secret"), "got hunter2");
      const state = await project.succeed("stack", "export");
      assert.doesNotMatch(state, /"TOKEN": "hunter2"|"plaintext"/);
      const environment = states.get("secret")?.["environment"] as Record<string, Record<string, string>>;
      assert.ok(
        environment["TOKEN"]?.["ciphertext"] ?? environment["ciphertext"],
        JSON.stringify(environment),
      );
    });
  });

  describe("and its failures", () => {
    let project: CommandsProject;

    beforeEach(async () => {
      project = new CommandsProject();
      await project.initialize();
    });

    afterEach(() => project.remove());

    it("names what can't be run, in the words of the real provider", async () => {
      project.declare({
        program: { create: "x", interpreter: ["no-such-program"] },
        path: { create: "x", interpreter: ["/no/such/program"] },
        folder: { create: "x", dir: "/no/such/folder" },
        signal: { create: "kill -TERM $$" },
        text: { create: "printf '\\377'; exit 0", logging: "none" },
      });
      const { code, output } = await project.run("up", "--yes", "--skip-preview", "--continue-on-error");
      assert.notEqual(code, 0);
      assert.match(output, /exec: "no-such-program": executable file not found in \$PATH: running "x":/);
      assert.match(output, /fork\/exec \/no\/such\/program: no such file or directory: running "x":/);
      assert.match(output, /chdir \/no\/such\/folder: no such file or directory: running "x":/);
      assert.match(output, /signal: terminated: running "kill -TERM \$\$":/);
      assert.match(output, /string field contains invalid UTF-8/);
    });

    it("refuses inputs of a wrong type, before anything runs", async () => {
      for (const [inputs, message] of [
        [{ create: 5 }, "Field 'create' on 'local.CommandInputs' must be a 'string'; got 'float64' instead"],
        [
          { create: "true", environment: { A: true } },
          "Field 'environment[A] value' on 'local.CommandInputs' must be a 'string'; got 'bool' instead",
        ],
      ] as const) {
        project.declare({ one: inputs });
        const { code, output } = await project.run("preview");
        assert.notEqual(code, 0);
        assert.ok(output.includes(message), output);
      }
    });

    it("passes the previous output on, which is too long beyond 128 KiB unless switched off", async () => {
      const big = "head -c 150000 /dev/zero | tr '\\0' x";
      const commands = (update: string, addPreviousOutputInEnv?: boolean) => ({
        small: {
          create: "echo before; echo e >&2",
          update: 'echo "$PULUMI_COMMAND_STDOUT $PULUMI_COMMAND_STDERR"',
          stdin: update,
        },
        big: {
          create: big,
          update,
          delete: "true",
          logging: "none",
          ...defined({ addPreviousOutputInEnv }),
        },
      });
      project.declare(commands("echo first"));
      await project.up();
      project.declare(commands("echo second"));
      const failed = await project.run("up", "--yes", "--skip-preview", "--continue-on-error");
      assert.match(failed.output, /fork\/exec \/bin\/sh: argument list too long: running "echo second":/);
      assert.equal((await project.command("small"))?.outputs?.["stdout"], "before e");
      const removal = await project.run("destroy", "--yes", "--skip-preview", "--continue-on-error");
      assert.match(removal.output, /argument list too long: running "true":/);
      project.declare(commands("echo third", false));
      await project.up();
      assert.equal((await project.command("big"))?.outputs?.["stdout"], "echo third".slice(5));
    });

    it("hangs for ever when more than 64 KiB come without a newline and logging is on", async () => {
      project.declare({
        hangs: {
          create: "head -c 140000 /dev/zero | tr '\\0' x; echo done >> log",
          options: { customTimeouts: { create: "3s" } },
        },
      });
      const child = project.start("up", "--yes", "--skip-preview");
      const result = resultOf(child);
      const winner = await Promise.race([result.then(() => "ended"), sleep(25_000).then(() => "hangs")]);
      process.kill(-(child.pid ?? 0), "SIGKILL");
      await result;
      assert.equal(winner, "hangs");
    });
  });
});
