/** Tests how a call is performed: files, locks, faults and the log. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../helpers/temporary.ts";
import { Cloud, type CallRecord } from "./cloud.ts";
import type { Region } from "./cloud/state.ts";
import type { ObjectLookup } from "./cloud/world.ts";
import { accountOf, regionOf } from "./configuration.ts";
import { planFile, type FaultPlan } from "./faults.ts";
import { loopbackEndpoint } from "./object-store.ts";
import { apiFor } from "./provider.ts";
import { readJson, transaction } from "./store.ts";

const account = "111122223333";
const object: ObjectLookup = {
  bucketRegion: "us-east-1",
  found: { bucket: "b", key: "k", etag: "e", bytes: 1024, head: Buffer.alloc(512), tail: Buffer.alloc(512) },
};

describe("AWS emulator: a call", () => {
  let folder: string;
  let cloud: Cloud;
  beforeEach(() => {
    folder = temporaryFolder();
    cloud = new Cloud(folder, account, "provider", () => Promise.resolve(object));
  });

  const put = (Name: string, more = {}) =>
    cloud.call("us-east-1", "PutParameter", { Name, Type: "String", Value: "v", ...more });
  const names = (): string[] => {
    const { parameters } = readJson<Partial<Region>>(cloud.regionFile("us-east-1"), () => ({}));
    return Object.keys(parameters ?? {});
  };
  const log = (): CallRecord[] =>
    readFileSync(join(folder, "calls.jsonl"), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as CallRecord);
  const breakBy = (plan: FaultPlan): void => {
    writeFileSync(join(folder, planFile), JSON.stringify(plan));
  };
  const failsWith = (code: string, work: Promise<unknown>): Promise<void> => assert.rejects(work, { code });

  it("changes the file of its region and account alone, and is written down", async () => {
    await put("/one");
    assert.deepEqual(names(), ["/one"]);
    const other = new Cloud(folder, "444455556666", "http", () => Promise.resolve(object));
    await failsWith("ParameterNotFound", other.call("us-east-1", "GetParameter", { Name: "/one" }));
    await failsWith("ParameterNotFound", cloud.call("eu-west-1", "GetParameter", { Name: "/one" }));
    const shown = log().map(({ by, account: whose, region, action, outcome }) => [
      by,
      whose,
      region,
      action,
      outcome,
    ]);
    assert.deepEqual(shown, [
      ["provider", account, "us-east-1", "PutParameter", "ok"],
      ["http", "444455556666", "us-east-1", "GetParameter", "ParameterNotFound"],
      ["provider", account, "eu-west-1", "GetParameter", "ParameterNotFound"],
    ]);
  });

  it("loses nothing when many are made at once", async () => {
    const all = Array.from({ length: 40 }, (_, index) => `/p${index}`);
    await Promise.all(all.map((name) => put(name)));
    assert.deepEqual(names().sort(), all.sort());
  });

  it("that is refused changes nothing, though asking lets time go by", async () => {
    const file = join(folder, "f.json");
    const change = (content: { n: number }): void => {
      content.n += 1;
      throw new Error("refused");
    };
    await assert.rejects(
      transaction(file, () => ({ n: 0 }), change),
      /refused/,
    );
    assert.deepEqual(
      readJson(file, () => "no file"),
      "no file",
    );

    await put("/image", { DataType: "aws:ec2:image", Value: "ami-0123456789abcdef0" });
    const ask = () => cloud.call("us-east-1", "GetParameter", { Name: "/image" });
    await failsWith("ParameterNotFound", ask());
    assert.deepEqual(names(), ["/image"]);
    await failsWith("ParameterNotFound", ask());
    assert.deepEqual(names(), []);
  });

  it("keeps secrets out of the log", async () => {
    await put("/s", { Type: "SecureString", Value: "hidden" });
    assert.doesNotMatch(readFileSync(join(folder, "calls.jsonl"), "utf8"), /hidden/);
  });

  it("meets its fault before or after its effect, and another process goes on counting", async () => {
    breakBy([
      { action: "PutParameter", parameters: "/before" },
      {
        action: "PutParameter",
        parameters: "/after",
        when: "after",
        error: { code: "ExpiredToken", message: "m" },
      },
    ]);
    await failsWith("InjectedFault", put("/before"));
    assert.deepEqual(names(), []);
    await failsWith("ExpiredToken", put("/after"));
    assert.deepEqual(names(), ["/after"]);
    cloud = new Cloud(folder, account, "provider", () => Promise.resolve(object));
    await put("/before");
    assert.deepEqual(names(), ["/after", "/before"]);
    assert.deepEqual(
      log().map(({ fault, outcome }) => [fault, outcome]),
      [
        ["fail before", "InjectedFault"],
        ["fail after", "ok"],
        [undefined, "ok"],
      ],
    );
  });

  it("is tried again by the provider when it is throttled, 25 times in all", async () => {
    const api = apiFor(cloud, "us-east-1");
    const params = { Name: "/one", Type: "String", Value: "v" };
    breakBy([{ action: "PutParameter", does: "throttle", times: 24 }]);
    await api.call("PutParameter", params);
    assert.equal(log().length, 25);
    breakBy([{ action: "PutParameter", does: "throttle", times: "always" }]);
    const text = /operation error SSM: PutParameter, .* StatusCode: 503, api error RequestLimitExceeded: /;
    await assert.rejects(api.call("PutParameter", { ...params, Name: "/two" }), text);
    assert.equal(log().length, 50);
  });

  it("finds no account in regions that are off, nor with credentials that may be real", async () => {
    await failsWith("AuthFailure", cloud.call("ap-east-1", "DescribeImages", {}));
    writeFileSync(
      join(folder, "settings.json"),
      JSON.stringify({ optedIn: ["ap-east-1"], accounts: [account] }),
    );
    assert.deepEqual(await cloud.call("ap-east-1", "DescribeImages", {}), { Images: [] });
    const stranger = new Cloud(folder, "444455556666", "http", () => Promise.resolve(object));
    await failsWith("AuthFailure", stranger.call("us-east-1", "DescribeImages", {}));
    assert.equal(accountOf(account), account);
    assert.throws(() => accountOf("AKIAIOSFODNN7EXAMPLE"), /may be real/);
    assert.equal(regionOf({}, { AWS_REGION: "eu-west-1" }), "eu-west-1");
    assert.throws(() => regionOf({ region: "nowhere-1" }, {}), /invalid AWS Region/);
    assert.throws(() => regionOf({}, {}), /Missing region/);
  });

  it("looks objects up on this machine only", () => {
    assert.equal(loopbackEndpoint("http://127.0.0.1:9"), "http://127.0.0.1:9");
    assert.throws(() => loopbackEndpoint("https://s3.amazonaws.com"), /only on loopback/);
    assert.throws(() => loopbackEndpoint(), /is not set/);
  });
});
