import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { downloadText, Unreachable } from "../../src/bootstrap/download.mjs";
import { configuredBackend } from "../../src/bootstrap/environment.mjs";
import { findNode, isNewEnough, nodePackageFor, pathWithNode } from "../../src/bootstrap/node.mjs";
import { packagesMatch } from "../../src/bootstrap/npm-packages.mjs";
import { projectRoot } from "../../src/bootstrap/pinned.mjs";
import { findRealPlugin, pathAdditions, standIn } from "../../src/bootstrap/plugins.mjs";
import { checksumOf, downloadCli, findCli, releaseArchive } from "../../src/bootstrap/pulumi-cli.mjs";
import {
  installCommand,
  missingToolsError,
  requirementsFor,
  requirementsToBuild,
  tooOld,
} from "../../src/bootstrap/system-tools.mjs";
import { type Plugin, type Tools, VersionMemory } from "../../src/bootstrap/tools-file.mjs";
import { compareVersions, versionIn } from "../../src/bootstrap/versions.mjs";
import { devPassphrase, pulumiEnvironment, stackNamedBy } from "../../src/bootstrap/environment.mjs";
import { defined } from "../../src/lib/defined.ts";
import { assertError, rejectsWith, throwsError } from "../helpers/errors.ts";

describe("bootstrap", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "bootstrap-test-"));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** An executable that prints `output`. */
  function program(path: string, output = ""): string {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `#!/bin/sh\necho '${output}'\n`);
    chmodSync(file, 0o755);
    return file;
  }

  describe("versions", () => {
    it("reads them out of what programs print", () => {
      assert.equal(versionIn("v3.259.0"), "3.259.0");
      assert.equal(versionIn("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)"), "7.2.22");
      assert.equal(versionIn("qemu-img version 8.1"), "8.1.0");
      assert.equal(versionIn("nothing"), undefined);
    });

    it("compares them by number", () => {
      assert.ok(compareVersions("3.9.0", "3.10.0") < 0);
      assert.ok(compareVersions("10.0.0", "9.9.9") > 0);
      assert.equal(compareVersions("v3.259.0", "3.259.0"), 0);
    });

    it("asks a program once, until it changes", async () => {
      const file = program("tool");
      let asked = 0;
      const ask = async (): Promise<string> => await Promise.resolve(`1.0.${(asked += 1)}`);
      const first = new VersionMemory();
      await first.of(file, ask);
      const second = new VersionMemory(first.seen);
      assert.equal(await second.of(file, ask), "1.0.1");
      writeFileSync(file, "changed");
      assert.equal(await new VersionMemory(second.seen).of(file, ask), "1.0.2");
    });
  });

  describe("Node", () => {
    it("is new enough where it runs TypeScript as it is", () => {
      assert.equal(isNewEnough("20.20.2"), false);
      assert.equal(isNewEnough("22.17.1"), false);
      assert.equal(isNewEnough("22.18.0"), true);
      assert.equal(isNewEnough("24.0.0"), true);
      assert.equal(findNode(), process.execPath);
    });

    it("has an npm package, new enough, for each platform that Pulumi has a release for", () => {
      for (const platform of ["linux", "darwin"]) {
        for (const architecture of ["x64", "arm64"]) {
          const { name, version, integrity } = nodePackageFor(platform, architecture);
          assert.match(name, new RegExp(`^node-(bin-)?${platform}-${architecture}$`));
          assert.ok(isNewEnough(version), `${name} ${version}`);
          assert.match(integrity, /^sha512-/);
        }
      }
      assert.throws(
        () => nodePackageFor("sunos", "x64"),
        /npm has no Node for sunos on x64\n.*install a newer Node/,
      );
    });

    it("goes first on a PATH that has another one, and is not added where it is found anyway", () => {
      const old = dirname(program("old/node"));
      const own = dirname(process.execPath);
      assert.equal(pathWithNode(process.execPath, old), `${own}:${old}`);
      assert.equal(pathWithNode(process.execPath, `${own}:${old}`), `${own}:${old}`);
      assert.equal(pathWithNode(process.execPath, ""), own);
    });

    it("runs a program as if it had been called directly", () => {
      const main = join(folder, "main.ts");
      const text = `const words: string[] = process.argv.slice(2);
        console.log(process.argv[1] === import.meta.filename, words.join());`;
      writeFileSync(main, text);
      const printed = execFileSync(process.execPath, ["scripts/node.mjs", main, "--one", "two"], {
        cwd: projectRoot,
        encoding: "utf8",
      });
      assert.equal(printed, "true --one,two\n");
    });
  });

  describe("npm packages", () => {
    const locked = { "": {}, "node_modules/a": { version: "1.0.0", integrity: "x" } };

    it("match by version and integrity, optional ones may be absent", () => {
      assert.equal(packagesMatch(locked, { "node_modules/a": { version: "1.0.0", integrity: "x" } }), true);
      assert.equal(packagesMatch(locked, { "node_modules/a": { version: "1.0.1", integrity: "x" } }), false);
      assert.equal(packagesMatch(locked, {}), false);
      const withOptional = { ...locked, "node_modules/mac": { version: "2.0.0", optional: true } };
      assert.equal(
        packagesMatch(withOptional, { "node_modules/a": { version: "1.0.0", integrity: "x" } }),
        true,
      );
    });
  });

  describe("the Pulumi CLI", () => {
    it("is the one on PATH when it is new enough", async () => {
      const file = program("bin/pulumi", "v3.300.1");
      assert.deepEqual(await findCli(new VersionMemory(), { path: dirname(file) }), {
        path: file,
        version: "3.300.1",
        origin: "PATH",
      });
    });

    it("is not one that is too old", async () => {
      const file = program("bin/pulumi", "v3.100.0");
      const found = await findCli(new VersionMemory(), { path: dirname(file), quiet: true });
      assert.notEqual(found?.path, file);
    });

    it("has releases for Linux and macOS", () => {
      assert.equal(releaseArchive("3.259.0", "linux", "x64"), "pulumi-v3.259.0-linux-x64.tar.gz");
      assert.equal(releaseArchive("3.259.0", "darwin", "arm64"), "pulumi-v3.259.0-darwin-arm64.tar.gz");
      const unsupported = { code: "platform-unsupported", where: "sunos x64" } as const;
      throwsError(() => releaseArchive("3.259.0", "sunos", "x64"), unsupported);
    });

    it("finds its checksum in the release's list", () => {
      const sum = "a".repeat(64);
      assert.equal(checksumOf(`${"b".repeat(64)}  other\n${sum}  file.tar.gz\n`, "file.tar.gz"), sum);
      throwsError(() => checksumOf(`${sum}  other`, "file.tar.gz"), {
        code: "platform-unsupported",
        where: "file.tar.gz",
      });
    });
  });

  describe("its download", () => {
    let server: Server | undefined;

    afterEach(() => server?.close());

    async function serve(listener: RequestListener): Promise<string> {
      const started = createServer(listener);
      server = started;
      await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
      return `http://127.0.0.1:${(started.address() as AddressInfo).port}`;
    }

    /** A release with a `pulumi` in it, and its list of checksums. */
    function release(): { archive: string; content: Buffer; list: string } {
      program("release/pulumi/pulumi", "v3.259.0");
      const archive = releaseArchive("3.259.0");
      execFileSync("tar", ["-czf", join(folder, archive), "-C", join(folder, "release"), "pulumi"]);
      const content = readFileSync(join(folder, archive));
      const sum = createHash("sha256").update(content).digest("hex");
      return { archive, content, list: `${sum}  ${archive}\n` };
    }

    it("is unpacked when its checksum is right", async () => {
      const { archive, content, list } = release();
      const url = await serve((request, response) => {
        if (request.url === "/pulumi-3.259.0-checksums.txt") response.end(list);
        else if (request.url === `/${archive}`) response.end(content);
        else response.writeHead(404).end();
      });
      await downloadCli(join(folder, "tools"), url);
      assert.ok(existsSync(join(folder, "tools/pulumi/pulumi")));
    });

    it("is an error when its checksum is wrong, and nothing is left of it", async () => {
      const { list } = release();
      const url = await serve((request, response) => {
        response.end(request.url?.endsWith("checksums.txt") ? list : "something else");
      });
      await rejectsWith(downloadCli(join(folder, "tools"), url), {
        code: "download-damaged",
        where: `${url}/${releaseArchive("3.259.0")}`,
      });
      assert.equal(existsSync(join(folder, "tools/pulumi")), false);
    });

    it("is an error when the server has no such release", async () => {
      const url = await serve((_, response) => response.writeHead(404).end());
      await rejectsWith(downloadCli(join(folder, "tools"), url), {
        code: "download-unreachable",
        where: `${url}/pulumi-3.259.0-checksums.txt`,
        text: / 404/,
      });
    });

    it("is an error when it breaks off", async () => {
      const { list, content } = release();
      const url = await serve((request, response) => {
        if (request.url?.endsWith("checksums.txt")) return response.end(list);
        response.writeHead(200, { "content-length": content.length });
        return response.write(content.subarray(0, 10), () => response.destroy());
      });
      await rejectsWith(downloadCli(join(folder, "tools"), url), {
        code: "download-interrupted",
        where: `${url}/${releaseArchive("3.259.0")}`,
      });
    });

    describe("through a proxy", () => {
      const proxy = createServer();
      const before = process.env["http_proxy"];
      /** Where the proxy was asked to lead. */
      let asked: string[];
      let isOpen: boolean;

      beforeEach(async () => {
        [asked, isOpen] = [[], true];
        proxy.removeAllListeners("connect").on("connect", ({ url = "" }: IncomingMessage, near: Socket) => {
          asked.push(url);
          if (!isOpen) return near.end("HTTP/1.1 403 Forbidden\r\n\r\n");
          const far = connect(Number(url.split(":")[1]), "127.0.0.1");
          near.write("HTTP/1.1 200 OK\r\n\r\n");
          return near.pipe(far).pipe(near);
        });
        if (!proxy.listening) await new Promise<void>((done) => proxy.listen(0, "127.0.0.1", done));
        process.env["http_proxy"] = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
      });
      afterEach(() => {
        if (before === undefined) delete process.env["http_proxy"];
        else process.env["http_proxy"] = before;
      });
      after(() => {
        proxy.close();
        proxy.closeAllConnections();
      });

      it("goes the way that the environment names", async () => {
        const url = await serve((_, response) => response.end("here"));
        assert.equal(await downloadText(url.replace("127.0.0.1", "pulumi.invalid")), "here");
        assert.deepEqual(asked, [`pulumi.invalid:${new URL(url).port}`]);
      });

      it("falls back where the proxy does not lead there", async () => {
        isOpen = false;
        await assert.rejects(downloadText("http://pulumi.invalid/"), Unreachable);
      });
    });

    it("falls back where nobody listens", async () => {
      const url = await serve(() => undefined);
      await new Promise((resolve) => server?.close(resolve));
      await assert.rejects(downloadCli(join(folder, "tools"), url), Unreachable);
    });
  });

  describe("plugins", () => {
    const where = (): { path: string; cli: string; home: string } => ({
      path: join(folder, "path"),
      cli: program("cli/pulumi"),
      home: join(folder, "home"),
    });

    it("are taken from PATH, from beside the CLI, from the installed ones, in this order", () => {
      const installed = program("home/plugins/resource-command-v1.2.1/pulumi-resource-command");
      assert.deepEqual(findRealPlugin("resource-command", where()), {
        kind: "real",
        path: installed,
        found: "an installed plugin",
      });
      const beside = program("cli/pulumi-language-nodejs");
      assert.equal(findRealPlugin("language-nodejs", where())?.path, beside);
      const onPath = program("path/pulumi-language-nodejs");
      assert.equal(findRealPlugin("language-nodejs", where())?.path, onPath);
    });

    it("are not taken in another version, nor a provider from beside the CLI", () => {
      program("home/plugins/resource-command-v1.1.0/pulumi-resource-command");
      program("cli/pulumi-resource-command");
      assert.equal(findRealPlugin("resource-command", where()), undefined);
    });

    it("have their stand-ins at the very end of PATH, each alone and only when it is used", () => {
      const real: Plugin = { kind: "real", path: "/real/pulumi-language-nodejs", found: "on PATH" };
      const command = standIn("resource-command");
      const additions = pathAdditions("/tools/bin/pulumi", false, [real, command]);
      assert.deepEqual(additions, { prepend: ["/tools/bin"], append: [dirname(command.path)] });
      assert.notEqual(dirname(command.path), dirname(standIn("language-nodejs").path));
      assert.deepEqual(pathAdditions("/usr/bin/pulumi", true, [real]), { prepend: [], append: [] });
    });
  });

  describe("system tools", () => {
    const all = requirementsFor({ tests: true, offlineKit: false });

    it("are named with the exact command for each package manager", () => {
      assert.equal(
        installCommand("apt", all),
        "sudo apt-get update && sudo apt-get install -y --no-install-recommends " +
          "qemu-system-x86 qemu-system-arm qemu-utils bzip2 ovmf qemu-efi-aarch64 openssh-server shellcheck e2fsprogs mtools faketime",
      );
      assert.equal(installCommand("brew", all), "brew install qemu bzip2 openssh shellcheck e2fsprogs mtools libfaketime");
      assert.match(
        installCommand("apk", all) ?? "",
        /^sudo apk add qemu-system-x86_64 .* aavmf openssh-server shellcheck e2fsprogs-extra mtools libfaketime$/,
      );
      assert.match(
        installCommand("dnf", all) ?? "",
        /^sudo dnf install .*edk2-ovmf edk2-aarch64 openssh-server ShellCheck e2fsprogs mtools libfaketime$/,
      );
    });

    it("are only those of one architecture, for a machine that builds its images", () => {
      const packages = requirementsToBuild("aarch64").map((one) => one.packages.apt);
      assert.deepEqual(packages, ["qemu-system-arm", "qemu-utils", "bzip2", "qemu-efi-aarch64"]);
    });

    it("are all in one message, with every command where the package manager isn't known", () => {
      const error = missingToolsError(all.slice(0, 2), undefined);
      assertError(error, { code: "tool-missing", where: "QEMU for x86_64, QEMU for aarch64" });
      const { message } = error;
      for (const command of ["apt-get install", "apk add", "dnf install", "brew install"]) {
        assert.ok(message.includes(command), message);
      }
    });

    it("say so when only Debian has them", () => {
      const missing = [{ name: "patchelf", debianPackage: "patchelf", packages: { apt: "patchelf" } }];
      const error = missingToolsError(missing, "brew");
      assertError(error, { code: "tool-missing", where: "patchelf", text: /needs Debian or Ubuntu/ });
    });

    it("are an error when too old", () => {
      const [qemu] = all;
      assert.ok(qemu);
      const error = tooOld(qemu, "/usr/bin/qemu", "5.2.0");
      assertError(error, { code: "tool-outdated", where: "/usr/bin/qemu", text: /5\.2\.0.* 6\.0\.0 / });
    });
  });

  describe("pulumiEnvironment", () => {
    const tools: Tools = {
      format: 1,
      pulumi: { path: "/tools/pulumi", version: "3.259.0", origin: "built" },
      plugins: {
        "language-nodejs": { kind: "real", path: "/real/x", found: "on PATH" },
        "resource-command": { kind: "stand-in", path: "/stand-in/x", found: "offline-kit" },
      },
      path: { prepend: ["/tools"], append: ["/stand-in"] },
      versions: {},
      seen: {},
    };
    const environment = (env: NodeJS.ProcessEnv, stack?: string): NodeJS.ProcessEnv =>
      pulumiEnvironment({
        tools,
        project: folder,
        env: { PATH: "/usr/bin", PULUMI_HOME: join(folder, "home"), ...env },
        ...defined({ stack }),
      });

    it("puts tools first, stand-ins last, and acquires no plugin where stand-ins are used", () => {
      const node = dirname(process.execPath);
      const result = environment({ PATH: node });
      assert.equal(result["PATH"], `/tools:${node}:/stand-in`);
      assert.equal(result["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"], "true");
    });

    it("has this process's Node on PATH, whatever the user's is", () => {
      program("old/node");
      const path = environment({ PATH: join(folder, "old") })["PATH"];
      assert.equal(path, `/tools:${dirname(process.execPath)}:${join(folder, "old")}:/stand-in`);
    });

    it("uses a backend of its own where none is configured, with a passphrase for dev alone", () => {
      assert.match(environment({}, "dev")["PULUMI_BACKEND_URL"] ?? "", /^file:\/\/.*\/work\/pulumi$/);
      assert.equal(environment({}, "dev")["PULUMI_CONFIG_PASSPHRASE"], devPassphrase);
      assert.equal(environment({}, "organization/project/dev")["PULUMI_CONFIG_PASSPHRASE"], devPassphrase);
      assert.equal(environment({}, "release")["PULUMI_CONFIG_PASSPHRASE"], undefined);
      assert.equal(environment({}, undefined)["PULUMI_CONFIG_PASSPHRASE"], undefined);
    });

    it("leaves the user's passphrase and backend alone", () => {
      assert.equal(environment({ PULUMI_CONFIG_PASSPHRASE: "" }, "dev")["PULUMI_CONFIG_PASSPHRASE"], "");
      const file = environment({ PULUMI_CONFIG_PASSPHRASE_FILE: "/secret" }, "dev");
      assert.equal(file["PULUMI_CONFIG_PASSPHRASE"], undefined);
      const other = environment({ PULUMI_BACKEND_URL: "s3://bucket" }, "dev");
      assert.equal(other["PULUMI_BACKEND_URL"], "s3://bucket");
      assert.equal(other["PULUMI_CONFIG_PASSPHRASE"], undefined);
    });

    it("respects a login and a backend in Pulumi.yaml", () => {
      mkdirSync(join(folder, "home"));
      const env = { PULUMI_HOME: join(folder, "home") };
      assert.equal(configuredBackend(env, folder), undefined);
      writeFileSync(
        join(folder, "home/credentials.json"),
        JSON.stringify({ current: "https://api.pulumi.com" }),
      );
      assert.equal(environment({}, "dev")["PULUMI_BACKEND_URL"], undefined);
      writeFileSync(join(folder, "home/credentials.json"), JSON.stringify({ current: "", accounts: {} }));
      assert.equal(configuredBackend(env, folder), undefined);
      writeFileSync(join(folder, "Pulumi.yaml"), "name: x\nbackend:\n  url: gs://bucket\n");
      assert.equal(configuredBackend(env, folder), join(folder, "Pulumi.yaml"));
    });

    it("isolates tests from the user's state, but not from the user's plugins", () => {
      mkdirSync(join(folder, "home/plugins"), { recursive: true });
      writeFileSync(join(folder, "home/plugins/marker"), "");
      const isolatedIn = join(folder, "isolated");
      const env = { PATH: "/usr/bin", PULUMI_HOME: join(folder, "home"), PULUMI_ACCESS_TOKEN: "secret" };
      const result = pulumiEnvironment({ tools, isolatedIn, env });
      assert.equal(result["PULUMI_ACCESS_TOKEN"], undefined);
      assert.equal(result["PULUMI_BACKEND_URL"], `file://${isolatedIn}/state`);
      assert.ok(existsSync(join(result["PULUMI_HOME"] ?? "", "plugins/marker")));
    });
  });

  describe("runInForeground", () => {
    it("passes the exit code through, and several copies of one Ctrl-C as a single SIGINT", async () => {
      const child = join(folder, "child.mjs");
      writeFileSync(
        child,
        `let signals = 0;
         process.on("SIGINT", () => { signals += 1; setTimeout(() => process.exit(40 + signals), 1000); });
         console.log("ready"); setTimeout(() => undefined, 10_000);`,
      );
      const wrapper = join(folder, "wrapper.mjs");
      writeFileSync(
        wrapper,
        `import { runInForeground } from ${JSON.stringify(join(import.meta.dirname, "../../src/bootstrap/run-in-foreground.mjs"))};
         process.exitCode = await runInForeground(process.execPath, [${JSON.stringify(child)}], process.env);`,
      );
      const started = spawn(process.execPath, [wrapper], {
        stdio: ["ignore", "pipe", "inherit"],
        detached: true,
      });
      await once(started.stdout, "data");
      // As a terminal does it, to the whole group, and npm once more.
      process.kill(-(started.pid ?? 0), "SIGINT");
      started.kill("SIGINT");
      const [code] = (await once(started, "exit")) as [number];
      assert.equal(code, 41);
    });
  });

  describe("stackNamedBy", () => {
    it("reads the stack off a command line", () => {
      assert.equal(stackNamedBy(["up", "--stack", "dev"]), "dev");
      assert.equal(stackNamedBy(["up", "-s", "dev"]), "dev");
      assert.equal(stackNamedBy(["preview", "--stack=release"]), "release");
      assert.equal(stackNamedBy(["stack", "init", "dev"]), "dev");
      assert.equal(stackNamedBy(["stack", "rm", "--yes"]), undefined);
      assert.equal(stackNamedBy(["config", "set", "x", "y"]), undefined);
    });
  });
});
