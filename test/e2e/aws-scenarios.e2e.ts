/**
 * What happens to images on AWS over the years: each scenario on the real engine, with the project's own program, and after each
 * run the cloud compared with the ledger, thing by thing.
 */
import assert from "node:assert/strict";
import { isAtLeast, stages } from "../../src/configuration/variant.ts";
import type { CallRecord } from "../doubles/aws/cloud.ts";
import { skipWithoutMoto, startMoto, type Moto } from "../doubles/moto.ts";
import { someSigner } from "../helpers/signer.ts";
import { account, home, otherAccount, PublishedImages, type Scene } from "./published-images.ts";

const away = "eu-west-1";
const third = "ap-northeast-1";

describe("images on AWS", function () {
  this.timeout(300_000);
  let moto: Moto | undefined;
  before(async function () {
    await skipWithoutMoto(this);
    moto = await startMoto();
  });
  after(() => moto?.stop());

  /** A checkout of its own for a suite, with a stack that is not yet up. */
  const begun = (scene: Partial<Scene> = {}): (() => PublishedImages) => {
    let project: PublishedImages | undefined;
    before(async () => {
      // One server holds the objects of all suites: each begins with empty buckets.
      await fetch(`${moto!.url}/moto-api/reset`, { method: "POST" });
      project = new PublishedImages(moto!, scene);
      await project.begin();
    });
    after(() => project?.end());
    return () => project!;
  };

  /** `up`, after which the cloud is exactly as declared. @returns the calls that changed something */
  const upAsDeclared = async (project: PublishedImages, ...flags: string[]): Promise<CallRecord[]> => {
    project.cloud.takeCalls();
    await project.up(...flags);
    assert.deepEqual([...(await project.differences()), ...(await project.unrecorded())], []);
    return project.cloud.takeCalls().filter(({ action }) => !/^(Describe|Get|List|Head)/.test(action));
  };

  /** Nothing was made private or taken away, not even for a moment. */
  const assertNothingTaken = (calls: readonly CallRecord[]): void => {
    const taking = calls.filter(({ action, params }) => {
      const { LaunchPermission, OperationType } = params as Record<string, unknown>;
      const removes =
        JSON.stringify(LaunchPermission ?? {}).includes('"Remove"') || OperationType === "remove";
      return /^(Deregister|Delete(Snapshot|Parameter|Object$))/.test(action) || removes;
    });
    assert.deepEqual(taking, []);
  };

  const names = (project: PublishedImages, region = home): string[] =>
    Object.values(project.cloud.region(account, region).images).map(({ name }) => name);
  const channel = (project: PublishedImages, region = home): string | undefined => {
    const { images, parameters } = project.cloud.region(account, region);
    return images[Object.values(parameters)[0]?.value ?? ""]?.name;
  };
  const nameOf = (release: string, revision = 0): string => `alpine-${release}-x86_64-uefi-tiny-r${revision}`;

  describe("over their life", () => {
    const old = { release: "3.23.5", stage: "release" as const };
    const project = begun({ entries: [old], settings: { protectPublished: true } });

    it("are published, and then there is nothing to do", async () => {
      await upAsDeclared(project());
      assert.deepEqual((await project().preview("--expect-no-changes")).changes, {});
    });

    it("a new release waits at import beside the old one, which stays the newest", async () => {
      await project().declare({ entries: [old, { stage: "import" }] });
      assertNothingTaken(await upAsDeclared(project()));
      assert.deepEqual(names(project()).sort(), [nameOf("3.23.5"), nameOf("3.23.6")]);
      assert.equal(channel(project()), nameOf("3.23.5"));
    });

    it("it is released beside the old one, and each channel moves once its image is public there", async () => {
      await project().declare({ entries: [old, {}] });
      const calls = await upAsDeclared(project());
      assertNothingTaken(calls);
      for (const region of [home, away]) {
        const here = calls.filter((call) => call.region === region).map(({ action }) => action);
        assert.ok(here.indexOf("ModifyImageAttribute") < here.indexOf("PutParameter"), here.join(" "));
        assert.equal(channel(project(), region), nameOf("3.23.6"));
      }
    });

    it("a changed configuration is told of, and touches nothing", async () => {
      await project().declare({ layer: { motd: { other: "Something else" }, aws: { enaSupport: false } } });
      const { changes, warnings } = await project().preview();
      assert.deepEqual(changes, {});
      const told = warnings.filter((warning) => /built from other inputs/.test(warning));
      assert.equal(told.length, 2, warnings.join("\n"));
      const kept = warnings.filter((warning) =>
        /was registered with enaSupport true, but the configuration now says false/.test(warning),
      );
      assert.equal(kept.length, 2, warnings.join("\n"));
      assert.deepEqual(await upAsDeclared(project()), []);
      await project().declare({ layer: {} });
    });

    it("description, tags and end of life change in place, public all the while", async () => {
      await project().declare({
        endOfLife: "2027-10-01",
        layer: { project: "https://example.org", description: ["more"] },
      });
      const calls = await upAsDeclared(project());
      assertNothingTaken(calls);
      const actions = new Set(calls.map(({ action }) => action));
      const wanted = ["CreateTags", "EnableImageDeprecation", "ModifyImageAttribute"];
      assert.deepEqual([...actions].sort(), wanted);
    });

    it("who may use them changes in place: one more, and one less in two steps, public all the while", async () => {
      await project().declare({ access: { PUBLIC: true, [otherAccount]: true } });
      assertNothingTaken(await upAsDeclared(project()));
      await project().declare({ access: { PUBLIC: true } });
      const before = await project().found();
      const refused = await project().tryUp();
      assert.notEqual(refused.code, 0);
      assert.match(refused.output, /protect/);
      assert.deepEqual(await project().found(), before);
      await project().declare({ access: { PUBLIC: true, [otherAccount]: "leaving" } });
      assert.deepEqual(await upAsDeclared(project()), []);
      await project().declare({ access: { PUBLIC: true } });
      const calls = await upAsDeclared(project());
      const changed = calls.map(({ action, params }) => [
        action,
        JSON.stringify(params).includes(otherAccount) && !JSON.stringify(params).includes('"all"'),
      ]);
      assert.equal(changed.length, 4);
      for (const change of changed) assert.deepEqual(change, ["ModifyImageAttribute", true]);
    });

    it("a revision comes beside the first, and the channel goes to it", async () => {
      await project().declare({ entries: [old, {}, { revision: 1 }] });
      assertNothingTaken(await upAsDeclared(project()));
      assert.deepEqual(names(project()).sort(), [nameOf("3.23.5"), nameOf("3.23.6"), nameOf("3.23.6", 1)]);
      assert.equal(channel(project(), away), nameOf("3.23.6", 1));
    });

    it("a region more is that region's images alone", async () => {
      await project().declare({ regions: [home, away, third] });
      const calls = await upAsDeclared(project());
      assertNothingTaken(calls);
      const made = calls.filter(({ action }) => /Image|Parameter/.test(action));
      assert.deepEqual(new Set(made.map(({ region }) => region)), new Set([third]));
    });

    it("drift is found by a refresh, and repaired by the next up", async () => {
      project().cloud.meddle(account, away, ({ images, parameters }) => {
        const image = Object.values(images).find(({ name }) => name === nameOf("3.23.6", 1))!;
        image.launchPermissions = [];
        image.tags["release"] = "other";
        image.deprecationTime = "2027-01-01T00:00:00.000Z";
        for (const name of Object.keys(parameters)) delete parameters[name];
      });
      assert.equal((await project().differences()).length, 4);
      const refreshed = await project().succeed("refresh", "--yes", "--skip-preview");
      assert.match(refreshed, /- 2 deleted/);
      assert.match(refreshed, /~ 1 updated/);
      assertNothingTaken(await upAsDeclared(project()));
    });

    it("a retired one is deprecated and stays; removing it takes it away, and it alone", async () => {
      const others = [{}, { revision: 1 }];
      await project().declare({ entries: [{ ...old, retired: "2027-06-01" }, ...others] });
      const calls = await upAsDeclared(project());
      assertNothingTaken(calls);
      assert.deepEqual(new Set(calls.map(({ action }) => action)), new Set(["EnableImageDeprecation"]));

      await project().declare({ entries: others });
      const refused = await project().tryUp();
      assert.notEqual(refused.code, 0);
      assert.match(refused.output, /protect/);
      await project().declare({ entries: [{ ...old, retired: "2027-06-01", removing: true }, ...others] });
      assertNothingTaken(await upAsDeclared(project()));
      await project().declare({ entries: others });
      await upAsDeclared(project());
      assert.deepEqual(names(project(), third).sort(), [nameOf("3.23.6"), nameOf("3.23.6", 1)]);
    });

    it("once published, a stack is not destroyed, and all of it stays public and whole", async () => {
      const refused = await project().run("destroy", "--yes", "--skip-preview");
      assert.notEqual(refused.code, 0);
      assert.match(refused.output, /protect/);
      project().cloud.takeCalls();
      await project().succeed("destroy", "--yes", "--skip-preview", "--exclude-protected");
      assertNothingTaken(project().cloud.takeCalls());
      assert.deepEqual(await project().differences(), []);
    });
  });

  describe("by stage", () => {
    const signer = someSigner();
    const project = begun({
      layer: { signingCommand: signer.command },
      settings: { protectPublished: true, disable: [] },
    });
    const storage = (): string => `work/storage-${project().stack}`;
    const bringTo = async (stage: (typeof stages)[number], more = {}): Promise<void> => {
      await project().declare({ entries: [{ stage, ...more }] });
      await upAsDeclared(project());
      const files = project().files(storage());
      const image = files.find((name) => name.endsWith(".vhd"));
      assert.equal(image !== undefined, isAtLeast(stage, "upload"));
      const signatures = files.filter((name) => name.endsWith(".asc"));
      assert.equal(signatures.length, isAtLeast(stage, "sign") ? 3 : 0, files.join("\n"));
      for (const name of signatures) {
        const signature = project().path(storage(), name);
        assert.ok(signer.isSigned(signature.replace(/\.asc$/, ""), signature));
      }
    };

    for (const stage of stages) it(`are brought up to ${stage}`, () => bringTo(stage));

    it("go below publish only when the ledger withdraws them", async () => {
      const before = await project().found();
      await project().declare({ entries: [{ stage: "sign" }] });
      const { code, output } = await project().tryUp();
      assert.notEqual(code, 0);
      assert.match(output, /protect/);
      assert.deepEqual(await project().found(), before);
      await bringTo("release", { withdraw: true });
    });

    for (const stage of stages.toReversed().slice(1)) {
      it(`are taken down to ${stage}`, () => bringTo(stage, { withdraw: true }));
    }

    it("leave nothing behind", async () => {
      await project().destroy();
      assert.deepEqual(await project().found(), {});
      assert.deepEqual(project().files("work/images"), []);
      assert.deepEqual(project().files(storage()), []);
    });
  });

  describe("destroyed before they are all published", () => {
    const project = begun({ entries: [{ stage: "import" }], settings: { protectPublished: true } });

    it("are gone when they were only imported", async () => {
      await upAsDeclared(project());
      await project().destroy();
      assert.deepEqual(await project().found(), {});
    });

    it("are gone from where they were, when half of them were published and not protected", async () => {
      await project().declare({ entries: [{}], settings: { protectPublished: false } });
      const error = {
        code: "ExpiredToken",
        message: "The security token included in the request is expired",
      };
      project().cloud.breakBy([{ action: "CopyImage", region: away, error }]);
      const { code, output } = await project().tryUp();
      assert.notEqual(code, 0);
      assert.match(
        output,
        new RegExp(`-${away}\\): *\\n *error: .*token included in the request is expired`),
      );
      assert.deepEqual(await project().dangers(), []);
      await project().destroy();
      assert.deepEqual(await project().found(), {});
    });

    it("are kept when half of them were published and protected, and gone once they were withdrawn", async () => {
      await project().declare({ entries: [{}], settings: { protectPublished: true } });
      project().cloud.breakBy([{ action: "CopyImage", region: away }]);
      assert.notEqual((await project().tryUp()).code, 0);
      const before = await project().found();
      const refused = await project().run("destroy", "--yes", "--skip-preview");
      assert.notEqual(refused.code, 0);
      assert.match(refused.output, /protect/);
      await project().succeed("destroy", "--yes", "--skip-preview", "--exclude-protected");
      assert.deepEqual(await project().found(), before);
      await project().declare({ entries: [{ withdraw: true }] });
      assertNothingTaken(await upAsDeclared(project()));
      await project().destroy();
      assert.deepEqual(await project().found(), {});
    });
  });

  describe("in regions that come and go", () => {
    const all = [home, away, third];
    const layer = { aws: { shareSnapshots: true } };
    const project = begun({ regions: all, bestEffort: [third], layer, settings: { protectPublished: true } });

    it("lose nothing when one of best effort becomes required", async () => {
      await upAsDeclared(project());
      await project().declare({ bestEffort: [] });
      assertNothingTaken(await upAsDeclared(project()));
    });

    it("are not deleted where a region is taken out all at once", async () => {
      await project().declare({ regions: [home, away] });
      const before = await project().found();
      const { code, output } = await project().tryUp();
      assert.notEqual(code, 0);
      assert.match(output, /protect/);
      assert.deepEqual(await project().found(), before);
    });

    it("are deleted there alone, once it was said to be leaving", async () => {
      await project().declare({ regions: all, leaving: [third] });
      assertNothingTaken(await upAsDeclared(project()));
      await project().declare({ regions: [home, away], leaving: [] });
      const calls = await upAsDeclared(project());
      const taking = calls.filter(({ action }) => /^(Delete|Deregister|Disable)/.test(action));
      assert.deepEqual(new Set(taking.map(({ region }) => region)), new Set([third]));
      assert.equal(taking.filter(({ action }) => action === "DeregisterImage").length, 1);
    });
  });

  describe("where a region fails", () => {
    const project = begun({ regions: [home, away, third], bestEffort: [away] });

    it("are published in the others, and what is missing is said", async () => {
      project().cloud.breakBy([{ action: "CopyImage", region: away, times: "always" }]);
      const { code, output } = await project().tryUp("--continue-on-error");
      assert.notEqual(code, 0);
      assert.match(output, new RegExp(`-${away}\\): *\\n *error: .*CopyImage`));
      assert.deepEqual(await project().dangers(), []);
      const missing = await project().differences();
      assert.notEqual(missing.length, 0);
      assert.deepEqual(
        missing.filter((one) => !one.includes(away)),
        [],
      );
      project().cloud.breakBy([]);
      await upAsDeclared(project());
    });
  });

  describe("where a change fails", () => {
    const project = begun({ firmware: ["bios", "uefi"], settings: { protectPublished: true } });

    it("are as they were, all else is done, and after a recovery the next up does the rest", async () => {
      await upAsDeclared(project());
      await project().declare({ endOfLife: "2027-10-01" });
      project().cloud.breakBy([{ action: "EnableImageDeprecation", region: home }]);
      project().cloud.takeCalls();
      const { code, output } = await project().tryUp("--continue-on-error");
      assert.notEqual(code, 0);
      assert.match(output, /error: 1 error occurred:\s+\* .*EnableImageDeprecation/);
      assert.doesNotMatch(output, /unable to replace|cannot be deleted/);
      assertNothingTaken(project().cloud.takeCalls());
      assert.deepEqual(await project().dangers(), []);
      const days = Object.values(project().cloud.region(account, home).images).map(
        (one) => one.deprecationTime,
      );
      assert.equal(new Set(days).size, 2, days.join());
      // AWS's provider records a failed update as if it were done.
      assert.equal((await project().recover()).code, 0);
      assertNothingTaken(await upAsDeclared(project()));
    });
  });

  describe("of two stacks in two accounts", () => {
    const project = begun();

    it("are each where they belong, and neither stack touches the other's", async () => {
      await upAsDeclared(project());
      await project().beginOther("testing", otherAccount, {
        dimensions: { machine: "vm" },
        access: {},
        entries: [{ stage: "publish" }],
        settings: { overlays: ["testing"], rebuild: "changed" },
      });
      const calls = await upAsDeclared(project());
      assert.deepEqual(new Set(calls.map((call) => call.account)), new Set([otherAccount]));
    });

    it("are refused with the other's credentials, before anything is done", async () => {
      project().use("testing");
      await project().declare({ entries: [{ revision: 1, stage: "publish" }] });
      project().environment["AWS_ACCESS_KEY_ID"] = account;
      project().cloud.takeCalls();
      const { code, output } = await project().tryUp();
      assert.notEqual(code, 0);
      assert.match(output, new RegExp(account));
      assert.doesNotMatch(output, /-disk created/, "before anything is built");
      const changing = project()
        .cloud.takeCalls()
        .filter(({ action }) => !/^(Describe|Get|List|Head)/.test(action));
      assert.deepEqual(changing, []);
    });

    it("go one by one", async () => {
      project().use("testing");
      await project().declare({ entries: [{ stage: "publish" }] });
      await project().destroy();
      await project().declare({ entries: [{ stage: "local" }] });
      assert.deepEqual(await project().differences(), []);
    });
  });
});
