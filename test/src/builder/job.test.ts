import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { guestScripts, jobArchive, shellAssignments } from "../../../src/builder/job.ts";
import { readCpio } from "../../helpers/cpio.ts";
import { runProgram } from "../../helpers/processes.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";

describe("a job's variables", () => {
  it("reach the shell as they are, whatever they hold", async () => {
    const values = {
      PLAIN: "a b",
      EMPTY: "",
      QUOTES: `it's "so" 'so'`,
      LAST_QUOTE: "'",
      NEWLINES: "one\ntwo\n\nthree",
      EXPANSIONS: "$HOME `id` $(id) ${X:-y} \\ \\n * ~ ; & | #",
      FOREIGN: "größer ✓",
    };
    const file = join(temporaryFolder(), "variables");
    writeFileSync(file, shellAssignments(values));
    // Through the environment of a child, so that `export` counts too; \x1e ends each value.
    const script = `. "$0"; sh -c '${Object.keys(values)
      .map((name) => `printf "%s\\036" "$${name}"`)
      .join("; ")}'`;
    const { stdout, stderr } = await runProgram("sh", ["-eu", "-c", script, file]);
    assert.equal(stderr, "");
    assert.deepEqual(stdout.split("\x1e").slice(0, -1), Object.values(values));
  });

  it("have names that a shell takes", () => {
    for (const name of ["", "1A", "a", "A-B", "A B", "A=B", "A;id"]) {
      assert.throws(() => shellAssignments({ [name]: "x" }), /is not a valid shell variable name/, name);
    }
  });
});

describe("a job's archive", () => {
  const keyFile = join(temporaryFolder(), "some.rsa.pub");
  writeFileSync(keyFile, "a key");
  const job = {
    arch: "x86_64",
    main: "probe",
    sourceDateEpoch: 1234,
    keyFiles: [keyFile],
    variables: { A: "b" },
  } as const;
  const read = (changes: object = {}) => readCpio(jobArchive({ ...job, ...changes }));
  const contentOf = (path: string, changes: object = {}): string | undefined =>
    read(changes)
      .find(({ name }) => name === path)
      ?.content.toString();

  it("has the first process of each place and every guest script, executable", () => {
    const entries = read();
    const first = ["init", "init-namespace"];
    for (const [name, content] of Object.entries(guestScripts())) {
      const place = first.includes(name) ? name : `job/${name}`;
      const entry = entries.find((candidate) => candidate.name === place);
      assert.ok(entry !== undefined && entry.content.equals(content), name);
      assert.equal(entry.mode & 0o111, 0o111, name);
    }
  });

  it("names the main script, the clock and the console, beside the job's own variables", () => {
    const variables = contentOf("job/variables") ?? "";
    assert.match(variables, /^export MAIN='probe'$/m);
    assert.match(variables, /^export SOURCE_DATE_EPOCH='1234'$/m);
    assert.match(variables, /^export BUILD_CONSOLE='ttyS0'$/m);
    assert.match(variables, /^export A='b'$/m);
    assert.match(contentOf("job/variables", { arch: "aarch64" }) ?? "", /^export BUILD_CONSOLE='ttyAMA0'$/m);
  });

  it("has the keys by their base names, and further files over the project's own", () => {
    assert.equal(contentOf("job/keys/some.rsa.pub"), "a key");
    const files = { "scripts/setup": "mine", "scripts/deep/er": "file" };
    assert.equal(contentOf("job/scripts/setup", { files }), "mine");
    assert.equal(contentOf("job/scripts/deep/er", { files }), "file");
    assert.ok(read({ files }).some(({ name, mode }) => name === "job/scripts/deep" && mode === 0o40755));
  });

  it("is the same bytes for the same job", () => assert.ok(jobArchive(job).equals(jobArchive(job))));
});
