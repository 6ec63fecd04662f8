import assert from "node:assert/strict";
import { resolveDependencies, type IndexEntry, parseIndex } from "../../../src/builder/apk-index.ts";

const text = `C:Q1+pKlvUjpWVf/AAAA=
P:busybox
V:1.37.0-r30
A:x86_64
S:518
t:1700000000
T:a description: with a colon
D:so:libc.musl-x86_64.so.1 musl>=1.2 !other
p:/bin/sh cmd:sh=1.37.0-r30

P:musl
V:1.2.5-r23
p:so:libc.musl-x86_64.so.1=1

`;

describe("an index's text", () => {
  it("is parsed block by block", () => {
    const [busybox, musl, ...more] = parseIndex(text);
    assert.equal(more.length, 0);
    assert.deepEqual(busybox, {
      name: "busybox",
      version: "1.37.0-r30",
      arch: "x86_64",
      size: 518,
      checksum: "Q1+pKlvUjpWVf/AAAA=",
      buildTime: 1_700_000_000,
      depends: ["so:libc.musl-x86_64.so.1", "musl>=1.2", "!other"],
      provides: ["/bin/sh", "cmd:sh"],
    });
    assert.deepEqual(musl?.provides, ["so:libc.musl-x86_64.so.1"]);
    assert.deepEqual(musl?.depends, []);
  });

  it("has no entries when it is empty", () => assert.deepEqual(parseIndex("\n"), []));
});

describe("the packages that a guest starts from", () => {
  const entry = (name: string, depends: string[] = [], provides: string[] = []): IndexEntry => ({
    name,
    version: "1-r0",
    arch: "x86_64",
    checksum: "",
    size: 1,
    buildTime: 0,
    depends,
    provides,
  });
  const names = (found: IndexEntry[]) => found.map(({ name }) => name);

  it("are the roots and all they need, each once", () => {
    const entries = [
      entry("a", ["so:libb.so.1", "c>=2"]),
      entry("b", ["c", "a"], ["so:libb.so.1"]),
      entry("c", ["!d"]),
      entry("d"),
    ];
    assert.deepEqual(names(resolveDependencies(entries, ["a", "c"], {})), ["a", "b", "c"]);
  });

  it("are never guessed: several providers of a name are an error that lists them", () => {
    const entries = [entry("a", ["/bin/sh"]), entry("ash", [], ["/bin/sh"]), entry("dash", [], ["/bin/sh"])];
    assert.throws(
      () => resolveDependencies(entries, ["a"], {}),
      /\/bin\/sh, which a needs.* several packages \(ash, dash\)/,
    );
    assert.deepEqual(names(resolveDependencies(entries, ["a"], { "/bin/sh": "dash" })), ["a", "dash"]);
  });

  it("take a package of that name before one that provides it", () => {
    const entries = [entry("a", ["sh"]), entry("other", [], ["sh"]), entry("sh")];
    assert.deepEqual(names(resolveDependencies(entries, ["a"], {})), ["a", "sh"]);
  });

  it("say what is needed by whom where nothing provides it", () => {
    assert.throws(
      () => resolveDependencies([entry("a", ["so:x"])], ["a"], {}),
      /no package provides so:x, which a needs/,
    );
    assert.throws(
      () => resolveDependencies([], ["a"], {}),
      /no package provides a, which the build guest needs/,
    );
  });
});
