import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { seedArguments } from "../../../scripts/boot-test/seed.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";

describe("a NoCloud seed", () => {
  const folder = join(temporaryFolder(), "a,b");
  const sshPublicKey = `ssh-ed25519 ${"A".repeat(400)} with a comment`;
  const args = seedArguments({ instanceId: "image-r0", hostname: "test-0-bios", sshPublicKey }, folder);
  const read = (name: string): string => readFileSync(join(folder, name), "utf8");

  it("has the instance's name, hostname and key", () => {
    assert.deepEqual(readdirSync(folder).sort(), ["meta-data", "user-data"]);
    assert.deepEqual(parse(read("meta-data")), {
      ...{ "instance-id": "image-r0", "local-hostname": "test-0-bios" },
      "public-keys": [sshPublicKey],
    });
    assert.deepEqual(parse(read("user-data")), {
      hostname: "test-0-bios",
      ssh_authorized_keys: [sshPublicKey],
    });
  });

  it("is what cloud-init knows by its first line", () => assert.match(read("user-data"), /^#cloud-config\n/));

  it("has the key on one line, for the small readers of images", () => {
    for (const name of ["meta-data", "user-data"]) {
      assert.ok(
        read(name)
          .split("\n")
          .some((line) => line.includes(sshPublicKey)),
        name,
      );
    }
  });

  it("is attached as the read-only volume that NoCloud looks for", () => {
    const options = args[args.indexOf("-blockdev") + 1]!;
    assert.match(options, /^driver=vvfat,.*label=CIDATA,read-only=on$/);
    assert.ok(options.includes(`dir=${folder.replaceAll(",", ",,")},`), options);
  });
});
