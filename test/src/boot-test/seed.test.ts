import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { seedArguments } from "../../../src/boot-test/seed.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";

describe("a NoCloud seed", () => {
  const folder = join(temporaryFolder(), "a,b");
  const sshPublicKey = `ssh-ed25519 ${"A".repeat(400)} with a comment`;
  const userData = "#!/bin/sh\ntrue\n";
  const args = seedArguments(
    { id: "image-r0", hostname: "test-0-bios", login: "alpine", sshPublicKey, userData },
    folder,
  );
  const read = (name: string): string => readFileSync(join(folder, name), "utf8");

  it("has the instance's name, host name and key, in both forms that are read", () => {
    assert.deepEqual(readdirSync(folder).sort(), ["meta-data", "user-data"]);
    assert.deepEqual(parse(read("meta-data")), {
      "instance-id": "image-r0",
      "local-hostname": "test-0-bios",
      hostname: "test-0-bios",
      "public-keys": { 0: { "openssh-key": sshPublicKey }, user: sshPublicKey },
    });
  });

  it("has the user data as it is", () => assert.equal(read("user-data"), userData));

  it("has the key on one line, for the small readers of images", () => {
    const lines = read("meta-data").split("\n");
    assert.equal(lines.filter((line) => line.includes(sshPublicKey)).length, 2);
  });

  it("is attached as the read-only volume that NoCloud looks for", () => {
    const options = args[args.indexOf("-blockdev") + 1]!;
    assert.match(options, /^driver=vvfat,.*label=CIDATA,read-only=on$/);
    assert.ok(options.includes(`dir=${folder.replaceAll(",", ",,")},`), options);
  });
});
