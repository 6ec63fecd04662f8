import assert from "node:assert/strict";
import { parse } from "yaml";
import { parseSource } from "../../../src/configuration/source.ts";
import { checkTemplate, stackFileText, stateOfStackFile } from "../../../src/fleet/stack-file.ts";
import { throwsError } from "../../helpers/errors.ts";

const template = (text: string) => parseSource(text, "Pulumi.release.yaml");
const release = template(`# The template.
config:
  # Not further yet.
  alpine:stage: import
  alpine:build: { cacheGib: 1.5 }
encryptionsalt: v1:template
`);
const made = stackFileText(release, "3.20");

describe("the settings of a fleet's stack", () => {
  it("are the template's for one version, with its comments, and say what they were made from", () => {
    assert.deepEqual(parse(made), {
      config: { "alpine:stage": "import", "alpine:build": { cacheGib: 1.5 }, "alpine:versions": ["3.20"] },
    });
    assert.match(
      made,
      /^# yaml-language-server: .*\n# Made from Pulumi\.release\.yaml by `npm run fleet -- make release`, for Alpine 3\.20/,
    );
    assert.match(made, /# Not further yet\./);
    assert.doesNotMatch(made, /The template/);
    assert.equal(stateOfStackFile(release, "3.20", made).state, "unchanged");
  });

  it("stand in place of the template's versions", () => {
    const some = template(`config: { "alpine:versions": ["3.19", "3.20"] }`);
    assert.deepEqual(parse(stackFileText(some, "3.20")), { config: { "alpine:versions": ["3.20"] } });
  });

  it("are missing where nothing is there, or what `stack init` makes", () => {
    assert.equal(stateOfStackFile(release, "3.20", undefined).state, "missing");
    assert.equal(stateOfStackFile(release, "3.20", "encryptionsalt: v1:own\n").state, "missing");
  });

  it("are made anew when the template has changed, and keep what is the stack's own", () => {
    const own = `${made.replace("config:", "config:\n  alpine:token: { secure: v1:abc }")}encryptionsalt: v1:own\n`;
    assert.equal(stateOfStackFile(release, "3.20", own).state, "unchanged");
    const later = template("config:\n  alpine:stage: release\n");
    assert.equal(stateOfStackFile(later, "3.20", own).state, "outdated");
    const text = stackFileText(later, "3.20", parseSource(own, "own"));
    assert.deepEqual(parse(text), {
      config: {
        "alpine:stage": "release",
        "alpine:versions": ["3.20"],
        "alpine:token": { secure: "v1:abc" },
      },
      encryptionsalt: "v1:own",
    });
    assert.equal(stateOfStackFile(later, "3.20", text).state, "unchanged");
  });

  it("are told apart from what a person has changed", () => {
    const edited = made.replace("stage: import", "stage: local");
    assert.deepEqual(stateOfStackFile(release, "3.20", edited), {
      state: "edited",
      differences: ['alpine:stage is "local", but the template has "import"'],
    });
    // Pulumi writes a file without its comments: then nobody knows who has changed it.
    const bare = "config:\n  alpine:stage: import\n";
    assert.equal(stateOfStackFile(release, "3.20", bare).state, "edited");
  });

  it("can't have a template's secrets", () => {
    const secret = template(`config: { "alpine:aws": { key: { secure: v1:abc } }, "aws:profile": x }`);
    throwsError(() => checkTemplate(secret), {
      code: "template-has-secret",
      where: /^Pulumi\.release\.yaml:1:\d+ config\."alpine:aws"$/,
    });
    checkTemplate(release);
  });
});
