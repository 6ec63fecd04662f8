import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { readSettings, readStackFile, settingsTable } from "../../helpers/configuration.ts";
import { project, repository } from "./project.ts";
import { mistakesOf, throwsError } from "../../helpers/errors.ts";

describe("stack settings", () => {
  it("have all their defaults in one table", () => {
    const defaults = Object.fromEntries(settingsTable().map(({ key, default: value }) => [key, value]));
    const { clouds, ...common } = readSettings({});
    assert.deepEqual({ ...common, ...clouds }, defaults);
    for (const { key, type, description } of settingsTable()) assert.ok(type && description, key);
  });

  it("are declared so in Pulumi.yaml", () => {
    const text = readFileSync(join(repository, "Pulumi.yaml"), "utf8");
    const { config } = parse(text) as { config: Record<string, { type: string; default: unknown }> };
    const declared = Object.entries(config).map(([key, { type, default: value }]) => ({ key, type, value }));
    const expected = settingsTable().map(({ key, type, default: value }) => ({ key, type, value }));
    assert.deepEqual(declared, expected);
  });

  it("merge an object with its default, instead of replacing it", () => {
    const { mirror, build } = readSettings({
      "alpine:mirror": { name: "offline" },
      "alpine:build": '{"slots":3}',
    });
    const defaults = readSettings({});
    assert.deepEqual(mirror, { ...defaults.mirror, name: "offline" });
    assert.deepEqual(build, { ...defaults.build, slots: 3 });
  });

  it("are read from JSON, as Pulumi hands them over, and from data", () => {
    const raw = {
      "alpine:versions": '["3.20"]',
      "alpine:protectPublished": "true",
      ledger: "l.yaml",
      stage: "sign",
    };
    const { versions, protectPublished, ledger, stage } = readSettings(raw);
    assert.deepEqual(
      { versions, protectPublished, ledger, stage },
      {
        versions: ["3.20"],
        protectPublished: true,
        ledger: "l.yaml",
        stage: "sign",
      },
    );
  });

  it("have builders, each with a host key that is one", () => {
    const key = "AAAAC3NzaC1lZDI1NTE5AAAAIBwzIDbaR9PDAGQGpqVYKyTZhTfvjBVQW1w0TCAQjgaP";
    const builder = { arch: "aarch64", host: "arm.example.org" };
    const { builders } = readSettings({
      "alpine:builders": JSON.stringify([{ ...builder, hostKey: `ssh-ed25519 ${key} root@arm` }]),
    });
    assert.equal(builders[0]?.port, 22);
    assert.equal(builders[0].slots, "auto");
    for (const hostKey of [
      "",
      key,
      `ssh-rsa ${key}`,
      "ssh-ed25519 AAAA",
      "SHA256:abc",
      `arm ssh-ed25519 ${key}`,
    ]) {
      throwsError(() => readSettings({ builders: [{ ...builder, hostKey }] }), {
        code: "value-invalid",
        where: "stack settings builders[0].hostKey",
        text: /`ssh-keyscan/,
      });
    }
    throwsError(() => readSettings({ builders: [builder] }), {
      code: "value-missing",
      where: "stack settings builders[0].hostKey",
    });
  });

  it("are read from a stack's file, before the project's, with mistakes at their lines", () => {
    const files = {
      "Pulumi.yaml":
        "name: x\nconfig:\n  alpine:stage: { type: string, default: import }\n  alpine:versions: { value: ['3.20'] }\n  rebuild: changed\n  alpine:overlays: { type: array }",
      "Pulumi.test.yaml": "config:\n  aws:region: us-east-1\n  alpine:stage: publish\n",
      "Pulumi.bad.yaml": "config:\n  alpine:stage: publsh\n  alpine:versions: [3.20]\n  alpine:mirrors: {}\n",
    };
    const root = project(files);
    const { stage, versions, rebuild, overlays } = readStackFile(root, "test");
    assert.deepEqual(
      { stage, versions, rebuild, overlays },
      { stage: "publish", versions: ["3.20"], rebuild: "changed", overlays: [] },
    );
    assert.deepEqual(mistakesOf(() => readStackFile(root, "bad")).sort(), [
      'unknown-key Pulumi.bad.yaml:4:3 config."alpine:mirrors"',
      'value-invalid Pulumi.bad.yaml:2:17 config."alpine:stage"',
    ]);
    throwsError(() => readStackFile(root, "none"), { code: "stack-file-missing", where: "Pulumi.none.yaml" });
  });
});
