/**
 * Tests the AWS emulator under the real engine: the chain of one image, its life, and how the engine handles faults.
 * test/e2e/aws-faults.e2e.ts tests faults in this project's own program.
 */
import assert from "node:assert/strict";
import { CreateBucketCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { skipWithoutMoto, startMoto, type Moto } from "../moto.ts";
import { account, bucketName, ChainProject, home } from "./chain-project.ts";
import { s3Client } from "./object-store.ts";
import type { SettingsFile } from "./settings.ts";

describe("AWS emulator: provider", function () {
  this.timeout(600_000);
  let moto: Moto | undefined;
  let project: ChainProject;

  before(async function () {
    await skipWithoutMoto(this);
    moto = await startMoto();
    const client = s3Client(account, home, moto.url);
    await client.send(new CreateBucketCommand({ Bucket: bucketName }));
    await client.send(
      new PutObjectCommand({ Bucket: bucketName, Key: "image.raw", Body: Buffer.alloc(1024) }),
    );
    client.destroy();
  });
  after(() => moto?.stop());

  const start = async (settings: SettingsFile = {}): Promise<void> => {
    project = new ChainProject(moto!.url, settings);
    await project.succeed("stack", "init", "dev");
  };
  afterEach(() => project.remove());

  const up = (): ReturnType<ChainProject["run"]> => project.run("up", "--yes", "--skip-preview");
  const regions = [home, "eu-west-1", "ap-northeast-1"];

  /** Every region has exactly one public image with one snapshot, and its parameter names the image. */
  const assertPublished = (): void => {
    for (const name of regions) {
      const { images, snapshots, parameters } = project.region(name);
      const [image, ...others] = Object.values(images);
      assert.deepEqual(others, [], name);
      assert.deepEqual(image?.launchPermissions, [{ Group: "all" }], name);
      assert.equal(image.polls, 0);
      assert.deepEqual(
        image.blockDevices.map(({ snapshotId }) => snapshotId),
        Object.keys(snapshots),
        name,
      );
      assert.equal(parameters["/alpine/latest"]?.value, image.imageId, name);
    }
  };

  const assertEmpty = (): void => {
    for (const name of regions) {
      const { images, snapshots, parameters } = project.region(name);
      assert.deepEqual(
        { images, snapshots, parameters },
        { images: {}, snapshots: {}, parameters: {} },
        name,
      );
    }
  };

  it("brings a chain up, finds nothing to do, repairs drift, changes in place, and takes everything down", async () => {
    await start();
    const preview = await project.succeed("preview", "--diff");
    assert.deepEqual(project.cloud.takeActions(), [], "a preview makes no call");
    assert.match(preview, /virtualizationType *: "hvm"/);
    await project.up();
    assertPublished();
    project.cloud.takeCalls();
    await project.succeed("preview", "--expect-no-changes");
    await project.succeed("refresh", "--yes", "--skip-preview", "--expect-no-changes");

    // Drift: an image made private, a tag changed, a deprecation moved, a parameter deleted.
    project.cloud.meddle(account, "eu-west-1", (region) => {
      const image = Object.values(region.images)[0]!;
      image.launchPermissions = [];
      image.tags["release"] = "other";
      image.deprecationTime = "2027-01-01T00:00:00.000Z";
      delete region.parameters["/alpine/latest"];
    });
    const drift = await project.succeed("refresh", "--yes", "--skip-preview");
    assert.match(drift, /- 2 deleted/);
    assert.match(drift, /~ 1 updated/);
    await project.up();
    assertPublished();
    const repaired = Object.values(project.region("eu-west-1").images)[0]!;
    assert.deepEqual(repaired.tags, { release: "3.23.6" });
    assert.equal(repaired.deprecationTime, "2028-01-01T00:00:00.000Z");

    project.cloud.takeCalls();
    const before = regions.map((name) => Object.keys(project.region(name).images));
    project.declare({ description: "Alpine Linux", tags: { release: "3.23.6", kind: "new" } });
    project.declare({ deprecationTime: "2027-06-01T00:00:30Z" });
    await project.up();
    assert.deepEqual(
      regions.map((name) => Object.keys(project.region(name).images)),
      before,
    );
    assertPublished();
    const changing = project.cloud.takeActions().filter((action) => !/^(Describe|Get|List)/.test(action));
    const each = ["CreateTags", "EnableImageDeprecation", "ModifyImageAttribute"];
    assert.deepEqual([...new Set(changing)].sort(), each);

    await project.succeed("destroy", "--yes", "--skip-preview");
    assertEmpty();
  });

  it("replaces an image whose name was given by deleting it first, with all that hangs on it", async () => {
    await start();
    await project.up();
    const before = regions.map((name) => Object.keys(project.region(name).images)[0]);
    project.cloud.takeCalls();
    project.declare({ name: "alpine-3.23.6-x86_64-uefi-tiny-r1" });
    await project.up();
    assertPublished();
    regions.forEach((name, index) => {
      assert.ok(!Object.keys(project.region(name).images).includes(before[index]!), name);
    });
    const here = project.cloud.takeCalls().filter(({ region }) => region === home);
    const order = here.map(({ action }) => action).filter((action) => /^(Dereg|Reg)isterImage/.test(action));
    assert.deepEqual(order, ["DeregisterImage", "RegisterImage"]);
  });

  it("tries again what is throttled, and fails what isn't allowed without leaving half of it", async () => {
    await start();
    project.cloud.breakBy([{ action: "CopyImage", region: "eu-west-1", does: "throttle", times: 3 }]);
    await project.up();
    assertPublished();
    const copies = project.cloud
      .takeCalls()
      .filter(({ action, region }) => action === "CopyImage" && region === "eu-west-1");
    assert.deepEqual(
      copies.map(({ outcome }) => outcome),
      [...Array<string>(3).fill("RequestLimitExceeded"), "ok"],
    );
    project.declare({ allowedAccountIds: ["999900001111"] });
    const { code, output } = await up();
    assert.notEqual(code, 0);
    assert.match(output, /AWS account ID not allowed: 111122223333/);
    assert.deepEqual(project.cloud.takeActions(), []);
  });

  it("records what was made and not finished, and finishes it after a refresh", async () => {
    // In AWS an image becomes visible between two runs. Here only polls count, and nothing has polled.
    await start({ polls: { visible: 0 } });
    project.cloud.breakBy([{ action: "CreateTags", region: "eu-west-1" }]);
    const { code, output } = await up();
    assert.notEqual(code, 0);
    assert.match(output, /setting EC2 AMI \(ami-[0-9a-f]+\) tags/);
    const [made] = Object.keys(project.region("eu-west-1").images);
    const recorded = (await project.resources()).find(({ id }) => id === made);
    assert.equal(recorded?.type, "aws:ec2/amiCopy:AmiCopy");
    await project.succeed("refresh", "--yes", "--skip-preview");
    await project.up();
    assertPublished();
    assert.deepEqual(Object.values(project.region("eu-west-1").images)[0]?.tags, project.declared.tags);
    await project.succeed("destroy", "--yes", "--skip-preview");
  });

  it("is killed by itself: the run fails, and what was made is there", async () => {
    await start();
    project.cloud.breakBy([{ action: "RegisterImage", when: "after", does: "kill-provider" }]);
    const { code } = await up();
    assert.ok(code, "the engine goes on to its end");
    assert.equal(Object.keys(project.region(home).images).length, 1);
  });
});
