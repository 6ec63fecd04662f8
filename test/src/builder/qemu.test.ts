import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import {
  consoleTail,
  kernelPanic,
  type GuestSpecification,
  machineArguments,
  openReportPort,
  optionValue,
} from "../../../src/builder/qemu.ts";
import { projectRoot } from "../../helpers/project-copy.ts";
import { runProgram } from "../../helpers/processes.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";

describe("QEMU's arguments", () => {
  const guest: GuestSpecification = {
    arch: "x86_64",
    accelerator: "tcg",
    memoryMib: 512,
    arguments: [],
    consoleLog: "/tmp/a,b",
    scratch: "/tmp",
  };

  it("double commas in values, for a comma ends one", () => {
    assert.equal(optionValue("/tmp/a,b,,c"), "/tmp/a,,b,,,,c");
    assert.ok(machineArguments(guest).includes("file,id=console,path=/tmp/a,,b,mux=on"));
  });

  it("have nothing that the host's configuration could add to", () => {
    for (const flag of ["-nodefaults", "-no-user-config", "-no-reboot"]) {
      assert.ok(machineArguments(guest).includes(flag), flag);
    }
  });

  it("give an emulated guest the plainest CPU, once, others the host's", () => {
    const of = (changes: Partial<GuestSpecification>): string =>
      machineArguments({ ...guest, ...changes }).join(" ");
    assert.match(of({}), /-machine q35 -accel tcg\S* -cpu qemu64 -smp 1 -m 512M/);
    assert.match(of({ accelerator: "kvm" }), /-accel kvm -cpu host -smp 2/);
    assert.match(
      of({ arch: "aarch64" }),
      /-machine virt,\S+ -accel tcg\S* -cpu max,sve=off,pauth-impdef=on /,
    );
  });
});

describe("the QEMU that is found", () => {
  /** One folder of stub programs, which print these texts, for each try. */
  const stubs: Record<string, string>[] = [
    { "qemu-system-x86_64": "QEMU emulator version 5.2.0 (Debian 1:5.2+dfsg-11)" },
    { "qemu-system-x86_64": "QEMU emulator version 10.0.2", "qemu-system-aarch64": "hello" },
  ];
  let answers: Record<string, string>[];
  before(async function () {
    this.timeout(20_000);
    const folders = stubs.map((programs) => {
      const folder = temporaryFolder();
      for (const [name, text] of Object.entries(programs)) {
        writeFileSync(join(folder, name), `#!/bin/sh\necho '${text}'\n`, { mode: 0o755 });
      }
      return folder;
    });
    // In a process of its own, whose PATH is nobody else's; a new instance of the module for each, for it remembers.
    const program = `
      const answers = [];
      for (const folder of ${JSON.stringify(folders)}) {
        process.env.PATH = folder;
        const { findQemu } = await import(${JSON.stringify(join(projectRoot, "src/builder/qemu.ts?"))} + folder);
        const ask = (arch) => findQemu(arch).catch((error) => error.name + ": " + error.code + " " + error.where);
        answers.push({ x86_64: await ask("x86_64"), aarch64: await ask("aarch64") });
      }
      console.log(JSON.stringify(answers));`;
    const { stdout, stderr } = await runProgram(process.execPath, ["--input-type=module", "-e", program], {
      cwd: projectRoot,
    });
    assert.equal(stderr, "");
    answers = JSON.parse(stdout) as Record<string, string>[];
  });

  it("may be too old", () => {
    assert.equal(answers[0]!.x86_64, "UserError: tool-outdated qemu-system-x86_64");
  });

  it("may be missing", () => {
    assert.equal(answers[0]!.aarch64, "UserError: tool-missing qemu-system-aarch64");
  });

  it("is compared as a version, not as a text", () => {
    assert.equal(answers[1]!.x86_64, "qemu-system-x86_64");
  });

  it("must say its version", () => {
    assert.match(answers[1]!.aarch64!, /^UserError: tool-outdated qemu-system-aarch64$/);
  });
});

describe("the port by which a guest reports", () => {
  const pathOf = (args: readonly string[]): string => {
    const chardev = args.find((arg) => arg.startsWith("socket,"));
    return /path=(.*)$/.exec(chardev ?? "")?.[1] ?? "";
  };

  it("gives whole lines, however they arrive, the last one without an end too", async () => {
    const port = await openReportPort(temporaryFolder());
    const socket = createConnection(pathOf(port.arguments));
    for (const part of ["pha", "se 1 a\nno", "te b\n", "result {}"]) {
      await new Promise((resolve) => socket.write(part, resolve));
    }
    socket.end();
    const lines: string[] = [];
    for await (const line of port.lines) lines.push(line);
    port.close();
    assert.deepEqual(lines, ["phase 1 a", "note b", "result {}"]);
  });

  it("loses nothing that was sent before the guest ended, though it is closed at once", async () => {
    const port = await openReportPort(temporaryFolder());
    const socket = createConnection(pathOf(port.arguments));
    await new Promise((resolve) => socket.once("connect", resolve));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const lines: string[] = [];
    const reading = (async () => {
      for await (const line of port.lines) lines.push(line);
    })();
    socket.end("result {}\n");
    port.close();
    await reading;
    assert.deepEqual(lines, ["result {}"]);
  });

  it("ends when no guest ever came", async () => {
    const port = await openReportPort(temporaryFolder());
    port.close();
    for await (const line of port.lines) assert.fail(line);
  });
});

describe("a console's last lines", () => {
  const tailOf = (text: string, count?: number): string => {
    const file = join(temporaryFolder(), "console.log");
    writeFileSync(file, text);
    return consoleTail(file, count);
  };

  it("are the last that say something, without control sequences", () => {
    assert.equal(tailOf("one\r\n\r\n\x1b[1;31mtwo\x1b[0m\r\n\x1b[2J\x1bcthree\r\n\r\n", 2), "two\nthree");
    const many = Array.from({ length: 100 }, (_, index) => `line ${index}`);
    assert.deepEqual(tailOf(many.join("\n")).split("\n"), many.slice(-40));
  });

  it("may not be there", () => {
    assert.equal(tailOf(" \r\n"), "(no console output)");
    assert.equal(consoleTail("/no/such/file"), "(no console output)");
  });
});

describe("a kernel's panic", () => {
  it("is known by its reason, and not where there is none", () => {
    const file = join(temporaryFolder(), "console.log");
    writeFileSync(file, "[ 1.0] Kernel panic - not syncing: VFS: no root\r\n[ 1.1] CPU: 0\r\n");
    assert.equal(kernelPanic(file), "VFS: no root");
    writeFileSync(file, "all is well\n");
    assert.equal(kernelPanic(file), undefined);
    assert.equal(kernelPanic("/no/such/file"), undefined);
  });
});
