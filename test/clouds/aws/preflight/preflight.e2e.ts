/** Preflight with the official clients against the AWS double, and as a hook under the real engine. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { join } from "node:path";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { vmimportPolicy, vmimportTrust } from "../../../../clouds/aws/policies.ts";
import { preflight } from "../../../../clouds/aws/preflight/preflight.ts";
import { Cloud, type CallRecord } from "../../../doubles/aws/cloud.ts";
import { newRegion, type Region } from "../../../doubles/aws/cloud/state.ts";
import { endpointVariables } from "../../../doubles/aws/http/endpoints.ts";
import { serveCloud } from "../../../doubles/aws/http/server.ts";
import { doubleEnvironment } from "../../../doubles/aws/install.ts";
import { transaction } from "../../../doubles/aws/store.ts";
import { startMoto, type Moto } from "../../../doubles/moto.ts";
import { repository } from "../../../src/configuration/project.ts";
import { temporaryFolder } from "../../../helpers/temporary.ts";
import { PulumiProject } from "../../../helpers/pulumi-project.ts";
import { account, awsSettings, home, now, problems, somePlan } from "./facts.ts";

describe("preflight", function () {
  this.timeout(300_000);
  let folder: string;
  let moto: Moto;
  let server: Server;
  let variables: Record<string, string>;
  /** What the variables were before. */
  const saved: NodeJS.ProcessEnv = {};
  const plan = somePlan({ settings: awsSettings({ emulator: true }) });

  const cloud = () =>
    new Cloud(folder, account, "provider", () => Promise.resolve({ failure: "404 Not Found" }));
  const change = (region: string, how: (content: Region) => void) =>
    transaction<Region, void>(join(folder, account, `${region}.json`), newRegion, how);
  const calls = (): CallRecord[] =>
    readFileSync(join(folder, "calls.jsonl"), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as CallRecord);
  const asked = (action: CallRecord["action"]): number =>
    calls().filter((one) => one.action === action).length;

  before(async () => {
    moto = await startMoto();
    const credentials = { accessKeyId: account, secretAccessKey: "double" };
    const s3 = new S3Client({ region: home, endpoint: moto.url, forcePathStyle: true, credentials });
    await s3.send(new CreateBucketCommand({ Bucket: "uploads" }));
    s3.destroy();
  });
  after(() => moto.stop());

  beforeEach(async () => {
    folder = temporaryFolder();
    writeFileSync(join(folder, "settings.json"), JSON.stringify({ optedIn: ["me-south-1"] }));
    const served = await serveCloud(folder, { objects: moto.url });
    server = served.server;
    variables = {
      ...endpointVariables(served.url),
      AWS_ACCESS_KEY_ID: account,
      AWS_SECRET_ACCESS_KEY: "double",
    };
    for (const [name, value] of Object.entries(variables)) {
      saved[name] = process.env[name];
      process.env[name] = value;
    }
    const iam = cloud();
    const RoleName = "vmimport";
    await iam.call(home, "CreateRole", { RoleName, AssumeRolePolicyDocument: JSON.stringify(vmimportTrust) });
    const PolicyDocument = JSON.stringify(vmimportPolicy({ region: home, bucket: "uploads" }));
    await iam.call(home, "PutRolePolicy", { RoleName, PolicyName: "vmimport", PolicyDocument });
  });
  afterEach(() => {
    server.close();
    for (const name of Object.keys(variables)) {
      if (saved[name] === undefined) delete process.env[name];
      else process.env[name] = saved[name];
    }
  });

  it("asks the account, and changes nothing, and finds what is there and what isn't", async () => {
    const small = { ...plan, wantsAllRegions: false };
    assert.deepEqual(problems(await preflight(small, { now })), []);
    const elsewhere = { ...small, settings: { ...plan.settings, bucket: "downloads" } };
    const [missing, ...others] = problems(await preflight(elsewhere, { now }));
    assert.match(missing!, /^error bucket downloads: this bucket does not exist/);
    assert.match(
      others.join(),
      /^error role vmimport: its policy does not allow s3:GetBucketLocation, s3:ListBucket, s3:GetObject/,
    );

    // Everybody's regions are more than this plan's.
    const [further] = problems(await preflight(plan, { now }));
    assert.match(further!, /^warning regions ap-northeast-1, .*no image goes there/);
    assert.deepEqual(
      calls().filter(({ action }) => !/^(Get|Describe|Head|Simulate|Create|Put)/.test(action)),
      [],
    );
  });

  it("reports everything that is wrong at once", async () => {
    writeFileSync(join(folder, "settings.json"), "{}");
    await cloud().call(home, "DeleteRolePolicy", { RoleName: "vmimport", PolicyName: "vmimport" });
    await change(home, (region) => {
      region.imageBlockPublicAccess = { state: "block-new-sharing" };
    });
    await change("eu-west-1", (region) => {
      region.quotas["ec2/L-0E3CBAB9"] = 0;
      region.snapshotBlockPublicAccess = "block-all-sharing";
    });
    const found = problems(await preflight({ ...plan, wantsAllRegions: false }, { now }));
    assert.deepEqual(
      found.map((line) => line.split(":")[0]),
      [
        "warning regions me-south-1",
        "error role vmimport",
        "error quota eu-west-1",
        "error block public access us-east-1",
        "error block public access eu-west-1",
      ],
    );
  });

  it("knows expired credentials, and asks nothing more", async () => {
    const expired = {
      code: "ExpiredToken",
      message: "The security token included in the request is expired",
    };
    const faults = [{ action: "GetCallerIdentity", times: "always", error: expired }];
    writeFileSync(join(folder, "faults.json"), JSON.stringify(faults));
    const found = problems(await preflight(plan, { now }));
    assert.deepEqual(found.length, 1);
    assert.match(found[0]!, /^error account us-east-1: ExpiredToken: .* → renew the credentials/);
    assert.equal(asked("DescribeRegions"), 0);
  });

  describe("as a hook", () => {
    let project: PulumiProject;
    afterEach(() => project.remove());

    it("asks once before anything is created, never at a preview, and stops with one plain message", async () => {
      const other = { ...plan, settings: awsSettings({ emulator: true, accounts: ["999988887777"] }) };
      project = new PulumiProject(`
        import { readFileSync } from "node:fs";
        import { local } from "@pulumi/command";
        import { preflightHook } from "${join(repository, "components/preflight-hook.ts")}";
        import { preflight } from "${join(repository, "clouds/aws/preflight/preflight.ts")}";
        const plan = JSON.parse(readFileSync("plan.json", "utf8"));
        const hook = preflightHook("aws", {
          images: plan.images.length,
          noun: { one: "AMI", many: "AMIs" },
          run: (options) => preflight(plan, options),
          checksBeforeUpdate: () => undefined,
        });
        const built = new local.Command("built", { create: "echo built" });
        for (const name of ["a", "b", "c"]) {
          new local.Command(name, { create: \`touch \${name}\`, stdin: built.stdout }, { hooks: { beforeCreate: [hook] } });
        }
      `);
      const environment = doubleEnvironment(project.environment, {
        folder,
        account,
        url: variables["AWS_ENDPOINT_URL"]!,
      });
      for (const name of Object.keys(project.environment)) delete project.environment[name];
      Object.assign(project.environment, environment);
      project.write("plan.json", JSON.stringify(other));
      await project.succeed("stack", "init", "dev");

      await project.succeed("preview");
      assert.equal(existsSync(join(folder, "calls.jsonl")) ? asked("GetCallerIdentity") : 0, 0);

      const { code, output } = await project.run("up", "--yes", "--skip-preview", "--continue-on-error");
      assert.notEqual(code, 0);
      const diagnostics = output.slice(output.indexOf("Diagnostics:"));
      assert.equal(
        diagnostics.match(/belongs to another account; the stack may only publish to 999988887777/g)?.length,
        1,
        output,
      );
      assert.match(
        diagnostics,
        /1 error; nothing was uploaded\n.*account: 111122223333: arn:.*\n.*→ use that account's/,
      );
      assert.equal(diagnostics.match(/not ready for this stack: see the other errors/g)?.length, 2, output);
      assert.doesNotMatch(diagnostics, /at .*\.ts:\d+/, "no stack");
      assert.equal(asked("GetCallerIdentity"), 1);
      for (const name of ["a", "b", "c"]) assert.ok(!existsSync(project.path(name)), name);

      project.write("plan.json", JSON.stringify({ ...plan, wantsAllRegions: false }));
      await project.up();
      assert.equal(asked("GetCallerIdentity"), 2);
      for (const name of ["a", "b", "c"]) assert.ok(existsSync(project.path(name)), name);

      await project.succeed("preview", "--expect-no-changes");
      await project.succeed("destroy", "--yes", "--skip-preview");
      assert.equal(asked("GetCallerIdentity"), 2, "where nothing is created, nothing is asked");
      assert.deepEqual(await project.resources(), []);
    });
  });
});
