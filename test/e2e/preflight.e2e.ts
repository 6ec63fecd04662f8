/**
 * The account is looked at before a run does anything in it: the project's own program on the real engine, with all that can be
 * wrong in an account, and what an interrupted run leaves to be created first.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { CallRecord } from "../doubles/aws/cloud.ts";
import { newGlobal, type Image } from "../doubles/aws/cloud/state.ts";
import { transaction } from "../doubles/aws/store.ts";
import { skipWithoutMoto, startMoto, type Moto } from "../doubles/moto.ts";
import { account, home, PublishedImages } from "./published-images.ts";

const away = "eu-west-1";
/** Accounts have it only once they switch it on. */
const switchedOff = "af-south-1";

describe("the account, before a publishing up", function () {
  this.timeout(300_000);
  let moto: Moto | undefined;
  let project: PublishedImages;
  before(async function () {
    await skipWithoutMoto(this);
    moto = await startMoto();
    project = new PublishedImages(moto, {
      firmware: ["bios", "uefi"],
      regions: [home, away, switchedOff],
      settings: { aws: { blockPublicAccess: "off", bucket: "no-such-bucket", role: "no-such-role" } },
    });
    await project.begin();
  });
  after(() => {
    project.end();
    moto?.stop();
  });

  const nameOf = (firmware: string): string => `alpine-3.23.6-x86_64-${firmware}-tiny-r0`;

  /** An image that this stack has not made. */
  function someImage(name: string, tags: Record<string, string>): Image {
    return {
      imageId: "ami-0123456789abcdef0",
      name,
      description: "",
      hiddenPolls: 0,
      polls: 0,
      creationDate: "2026-11-01T00:00:00.000Z",
      architecture: "x86_64",
      virtualizationType: "hvm",
      enaSupport: true,
      rootDeviceName: "/dev/xvda",
      blockDevices: [],
      launchPermissions: [],
      tags,
    };
  }

  /** A run that ends with what is wrong. @returns what it said, and the calls that it made */
  async function refused(): Promise<{ message: string; calls: CallRecord[] }> {
    project.cloud.takeCalls();
    const { code, output } = await project.tryUp("--continue-on-error");
    assert.notEqual(code, 0);
    return { message: output.slice(output.indexOf("Diagnostics:")), calls: project.cloud.takeCalls() };
  }

  const count = (calls: readonly CallRecord[], action: CallRecord["action"]): number =>
    calls.filter((call) => call.action === action).length;
  const changing = (calls: readonly CallRecord[]): string[] =>
    calls.map(({ action }) => action).filter((action) => !/^(Describe|Get|List|Head|Simulate)/.test(action));

  it("is asked by no preview", async () => {
    await project.preview();
    assert.deepEqual(project.cloud.takeCalls(), []);
  });

  it("is told of with everything that is wrong, in one message, and nothing was done", async () => {
    const [image] = project.declared().filter(({ variant }) => variant.firmware === "uefi");
    const { imageKey, project: ours, revision } = image!.variant;
    project.cloud.meddle(account, home, (region) => {
      region.imageBlockPublicAccess = { state: "block-new-sharing" };
      region.images["ami-0123456789abcdef0"] = someImage(nameOf("bios"), { project: "somebody else's" });
    });
    project.cloud.meddle(account, away, (region) => {
      region.quotas["ec2/L-0E3CBAB9"] = 1;
      // As another stack of this account would have made it.
      const tags = { project: ours, image_key: imageKey, revision: String(revision) };
      region.images["ami-0123456789abcdef0"] = someImage(nameOf("uefi"), tags);
    });
    const before = await project.found();
    const { message, calls } = await refused();
    assert.match(message, /6 errors; nothing was uploaded/);
    for (const problem of [
      /^ *regions: af-south-1: not enabled in the account \(not-opted-in\)$/m,
      /^ *bucket: no-such-bucket: this bucket does not exist$/m,
      /^ *role: no-such-role: this role does not exist$/m,
      /^ *names: us-east-1: ami-0123456789abcdef0 has the name alpine-3\.23\.6-x86_64-bios-tiny-r0, but/m,
      /^ *names: eu-west-1: alpine-3\.23\.6-x86_64-uefi-tiny-r0 exists as ami-0123456789abcdef0, but not in this stack's state$/m,
      /^ *quota: eu-west-1: 0 public images, 2 more planned, 1 allowed$/m,
    ]) {
      assert.equal(message.match(new RegExp(problem, "gm"))?.length, 1, `${problem}\n${message}`);
    }
    assert.match(message, /not ready for this stack: see the other errors/);
    assert.doesNotMatch(message, /at .*\.ts:\d+/, "no stack");
    assert.equal(count(calls, "DescribeRegions"), 1, "asked once");
    assert.deepEqual(changing(calls), []);
    assert.deepEqual(await project.found(), before);
    const state = await project.resources();
    assert.deepEqual(
      state.filter(({ type }) => /^(aws|command):/.test(type)),
      [],
    );
    assert.deepEqual(project.files("work/storage-test"), []);
  });

  it("is asked again where an upload is there and its import is not", async () => {
    for (const region of [home, away]) {
      project.cloud.meddle(account, region, ({ images, quotas }) => {
        delete images["ami-0123456789abcdef0"];
        for (const key of Object.keys(quotas)) delete quotas[key];
      });
    }
    const settings = { aws: { blockPublicAccess: "off" } };
    await project.declare({ regions: [home, away], firmware: ["uefi"], settings });
    const error = { code: "SnapshotLimitExceeded", message: "Request limit exceeded" };
    project.cloud.breakBy([{ action: "ImportSnapshot", error }]);
    assert.match((await refused()).message, /SnapshotLimitExceeded/);
    project.cloud.breakBy([]);
    const pending = await project.status();
    assert.deepEqual([pending.code, /pending: not described; not imported;/.test(pending.stdout)], [2, true]);

    await transaction(join(project.cloud.folder, account, "global.json"), newGlobal, ({ roles }) => {
      delete roles["vmimport"];
    });
    const { message, calls } = await refused();
    assert.match(message, /1 error; nothing was uploaded\n *role: vmimport: this role does not exist/);
    assert.deepEqual(changing(calls), []);
    await project.equipAccount();
    await project.up();
    assert.deepEqual([...(await project.differences()), ...(await project.unrecorded())], []);
    const done = await project.status();
    assert.deepEqual(
      [done.code, done.stdout.trimEnd().split("\n").at(-1)],
      [0, "1 image: 1 at release; nothing pending"],
    );
  });

  it("is asked whether it has an image's day already, before one is moved into the past", async () => {
    const before = await project.found();
    await project.declare({ endOfLife: "2026-11-10" });
    const { message, calls } = await refused();
    assert.match(
      message,
      /1 error; nothing was changed\n *end of life: 3\.23\.6-r0: would now be deprecated on 2026-11-10, which has passed/,
    );
    assert.deepEqual(changing(calls), []);
    assert.deepEqual(await project.found(), before);
  });
});
