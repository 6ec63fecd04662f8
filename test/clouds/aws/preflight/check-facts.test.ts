import assert from "node:assert/strict";
import type { AccountFacts, OwnImage } from "../../../../clouds/aws/preflight/answers.ts";
import { trustsVmImport } from "../../../../clouds/aws/preflight/importing.ts";
import type { PublishPlan } from "../../../../clouds/aws/preflight/plan.ts";
import { checkFacts, preflight } from "../../../../clouds/aws/preflight/preflight.ts";
import { defined } from "../../../../src/lib/defined.ts";
import * as given from "./facts.ts";
import { failure, home, inRegion, now, someFacts, somePlan } from "./facts.ts";

const found = (facts: AccountFacts, plan: PublishPlan = somePlan()): string[] =>
  given.problems(checkFacts(plan, facts, now));
const only = (facts: AccountFacts, plan?: PublishPlan): string => {
  const [problem, ...others] = found(facts, plan);
  assert.deepEqual(others, []);
  return problem ?? "";
};

const [planned] = somePlan().images;
const ours: OwnImage = { id: "ami-1", name: planned!.name, isPublic: true, tags: planned!.tags };

describe("preflight", () => {
  it("finds nothing where all is well, and says what it looked at", () => {
    const results = checkFacts(somePlan(), someFacts(), now);
    assert.deepEqual(given.problems(results), []);
    const checks = [...new Set(results.map(({ check }) => check))];
    assert.deepEqual(checks, [
      "account",
      "regions",
      "bucket",
      "role",
      "names",
      "quota",
      "block public access",
      "end of life",
    ]);
  });

  it("asks nothing where nothing goes to AWS, nor without a home region", async () => {
    assert.deepEqual(await preflight(somePlan({ images: [] })), []);
    const results = await preflight(somePlan({ settings: given.awsSettings({ region: "" }) }));
    assert.match(given.problems(results).join(), /error regions alpine:aws\.region: .*no home region/);
  });

  it("reports all problems at once", () => {
    const facts = {
      ...inRegion("eu-west-1", { quota: { value: 0 }, imageBlocking: { value: "block-new-sharing" } }),
      bucketRegion: failure("NotFound"),
      role: failure("NoSuchEntityException"),
    };
    assert.deepEqual(
      found(facts).map((line) => line.split(":")[0]),
      [
        "error bucket uploads",
        "error role vmimport",
        "error quota eu-west-1",
        "error block public access eu-west-1",
      ],
    );
  });
});

describe("preflight of the account", () => {
  const without = (identity: AccountFacts["identity"]): AccountFacts => ({ identity });

  it("refuses one that the stack doesn't name, and then knows nothing else", () => {
    const other = { account: "999988887777", arn: "arn:aws:iam::999988887777:user/me" };
    assert.match(
      only(without({ value: other })),
      /^error account 999988887777: arn:\S+ belongs to another account; .* 111122223333 → use that account's credentials/,
    );
  });

  it("takes any where the stack names none, and says so", () => {
    const plan = somePlan({ settings: given.awsSettings({ accounts: [] }) });
    assert.deepEqual(found(someFacts(), plan), []);
    assert.match(checkFacts(plan, someFacts(), now)[0]!.found, /may publish to any account/);
  });

  it("tells missing, expired and wrong credentials apart", () => {
    assert.match(
      only(without(failure("ExpiredToken", "expired"))),
      /ExpiredToken: no luck → renew the credentials/,
    );
    assert.match(only(without(failure("CredentialsProviderError", "credentials"))), /→ set AWS_PROFILE/);
    assert.match(only(without(failure("ECONNREFUSED"))), /→ check that `aws sts get-caller-identity`/);
  });
});

describe("preflight of regions", () => {
  const states = { [home]: "opt-in-not-required", "eu-west-1": "opted-in", "me-south-1": "opted-in" };

  it("wants required ones switched on, and warns of those of best effort", () => {
    const regions = { value: { ...states, "eu-west-1": "not-opted-in", "me-south-1": "not-opted-in" } };
    const { perRegion } = someFacts();
    const asked = { [home]: perRegion![home]! };
    assert.deepEqual(
      found(someFacts({ regions, perRegion: asked })).map((line) => line.split(" → ")[0]),
      [
        "error regions eu-west-1: not enabled in the account (not-opted-in)",
        "warning regions me-south-1: not enabled in the account (not-opted-in)",
      ],
    );
  });

  it("names one that AWS doesn't know, and a home region that is off", () => {
    assert.match(
      only(someFacts({ regions: { value: { [home]: "opted-in", "eu-west-1": "opted-in" } } })),
      /^warning regions me-south-1: AWS does not know this region/,
    );
    assert.match(
      only(someFacts({ regions: { value: { ...states, [home]: "not-opted-in" } } })),
      /^error regions us-east-1: .* → enable it .*, or choose another alpine:aws\.region/,
    );
  });

  it("warns of those that are on and not in git, where images go to all", () => {
    const regions = { value: { ...states, "mx-central-1": "opted-in", "ap-east-1": "not-opted-in" } };
    assert.match(
      only(someFacts({ regions })),
      /^warning regions mx-central-1: enabled, but no image goes there/,
    );
    assert.deepEqual(found(someFacts({ regions }), somePlan({ wantsAllRegions: false })), []);
  });

  it("says when the account's can't be listed", () => {
    const facts = someFacts({ regions: failure("UnauthorizedOperation", "denied") });
    assert.match(only(facts), /^error regions us-east-1: UnauthorizedOperation: .*ec2:DescribeRegions/);
  });
});

describe("preflight of the import", () => {
  it("wants a bucket that is named, there, ours, and in the home region", () => {
    const bucket = (bucketRegion: NonNullable<AccountFacts["bucketRegion"]>) =>
      only(someFacts({ bucketRegion }));
    assert.match(
      only(given.without(someFacts(), "bucketRegion")),
      /^error bucket alpine:aws\.bucket: no bucket to import from is set/,
    );
    assert.match(
      bucket(failure("NotFound")),
      /^error bucket uploads: this bucket does not exist → declare it/,
    );
    assert.match(
      bucket(failure("Forbidden", "denied")),
      /it belongs to another account, or you may not list it/,
    );
    assert.match(bucket(failure("301", "region")), /it is not in us-east-1/);
    assert.match(bucket({ value: "eu-west-1" }), /it is in eu-west-1, but images are imported in us-east-1/);
    assert.match(bucket(failure("SlowDown", "throttled")), /SlowDown: no luck → try again/);
  });

  const role = (value: AccountFacts["role"]) => only(someFacts({ role: value! }));
  const statement = {
    Effect: "Allow",
    Principal: { Service: "vmie.amazonaws.com" },
    Action: "sts:AssumeRole",
    Condition: { StringEquals: { "sts:Externalid": "vmimport" } },
  };
  const trust = JSON.stringify({ Version: "2012-10-17", Statement: statement });

  it("wants a role that is there, trusts VM Import, and may read the bucket", () => {
    assert.match(
      role(failure("NoSuchEntityException")),
      /^error role vmimport: this role does not exist → declare it/,
    );
    const other = trust.replace("vmie.", "ec2.");
    assert.match(
      role({ value: { trust: other, denied: { value: [] } } }),
      /vmie\.amazonaws\.com cannot assume it/,
    );
    const denied = { value: ["s3:GetObject", "ec2:CopySnapshot"] };
    assert.match(
      role({ value: { trust, denied } }),
      /^error role vmimport: its policy does not allow s3:GetObject, ec2:CopySnapshot/,
    );
  });

  it("only warns of a role that it may not look at", () => {
    assert.match(
      role(failure("AccessDenied", "denied")),
      /^warning role vmimport: .*iam:GetRole is not allowed/,
    );
    const denied = failure("AccessDenied", "denied");
    assert.match(role({ value: { trust, denied } }), /^warning .*iam:SimulatePrincipalPolicy is not allowed/);
    assert.match(role({ value: { trust, denied: failure("Throttling") } }), /^warning .*Throttling: no luck/);
    assert.match(role(failure("ServiceFailure")), /^error role vmimport: ServiceFailure/);
  });

  it("reads a trust policy as IAM does", () => {
    assert.ok(trustsVmImport(trust));
    assert.ok(trustsVmImport(trust.replace('"sts:AssumeRole"', '["sts:TagSession", "sts:AssumeRole"]')));
    assert.ok(trustsVmImport(JSON.stringify({ Statement: [{ Effect: "Deny" }, statement] })));
    assert.ok(!trustsVmImport(trust.replace('"vmimport"', '"other"')), "another external id");
    assert.ok(!trustsVmImport(trust.replace("Allow", "Deny")));
    assert.ok(!trustsVmImport(JSON.stringify({ Statement: [] })));
  });

  it("needs neither where blocks are written directly", () => {
    const plan = somePlan({ settings: given.awsSettings({ importMethod: "direct", bucket: "" }) });
    assert.deepEqual(found(given.without(someFacts(), "bucketRegion", "role"), plan), []);
  });
});

describe("preflight of names", () => {
  const foreign = { ...ours, tags: { project: "somebody else's" } };

  it("refuses those that somebody else's image has", () => {
    const problem = only(inRegion("eu-west-1", { images: { value: [foreign] } }));
    assert.match(
      problem,
      /^error names eu-west-1: ami-1 has the name alpine-3\.23\.6-x86_64-uefi-tiny-r0, but/,
    );
  });

  it("takes our own by their tags, and by the stack's state where that is known", () => {
    const facts = inRegion("eu-west-1", { images: { value: [ours] } });
    assert.deepEqual(found(facts), []);
    assert.deepEqual(found(facts, somePlan({ recorded: new Set(["ami-1"]) })), []);
    assert.match(
      only(facts, somePlan({ recorded: new Set() })),
      /exists as ami-1, but not in this stack's state → if a killed run left it/,
    );
    assert.match(
      only(inRegion("me-south-1", { images: { value: [foreign] } })),
      /^warning names me-south-1/,
      "as in every region of best effort",
    );
    const retagged = inRegion("eu-west-1", { images: { value: [foreign] } });
    assert.deepEqual(found(retagged, somePlan({ recorded: new Set(["ami-1"]) })), []);
  });

  it("doesn't mind an image's name where the image doesn't go", () => {
    const [, atImport] = somePlan().images;
    const elsewhere = { ...foreign, name: atImport!.name };
    assert.deepEqual(found(inRegion("eu-west-1", { images: { value: [elsewhere] } })), []);
  });

  it("fails where a required region's images can't be listed", () => {
    const images = failure("UnauthorizedOperation", "denied");
    assert.match(only(inRegion("eu-west-1", { images })), /^error names eu-west-1: .*ec2:DescribeImages/);
    assert.match(only(inRegion("me-south-1", { images })), /^warning names me-south-1/);
  });
});

describe("preflight of public images", () => {
  const others = (count: number): OwnImage[] =>
    Array.from({ length: count }, (_, index) => ({
      id: `ami-o${index}`,
      name: `other-${index}`,
      isPublic: true,
      tags: {},
    }));

  it("counts today's and the plan's against the quota", () => {
    assert.deepEqual(found(inRegion("eu-west-1", { images: { value: others(4) } })), []);
    const problem = only(inRegion("eu-west-1", { images: { value: others(5) } }));
    assert.match(
      problem,
      /^error quota eu-west-1: 5 public images, 1 more planned, 5 allowed → .*--desired-value 6 /,
    );
    assert.match(only(inRegion("me-south-1", { quota: { value: 0 } })), /^warning quota me-south-1/);
  });

  it("counts what is public already once, and says nothing where nothing is added", () => {
    assert.deepEqual(found(inRegion("eu-west-1", { images: { value: [ours, ...others(4)] } })), []);
    assert.deepEqual(found(inRegion("eu-west-1", { images: { value: [ours, ...others(9)] } })), []);
    const unshared = { ...ours, isPublic: false };
    assert.match(
      only(inRegion("eu-west-1", { images: { value: [unshared, ...others(5)] } })),
      /5 public images, 1 more planned/,
    );
  });

  it("warns where the quota can't be read", () => {
    const quota = failure("AccessDeniedException", "denied");
    assert.match(
      only(inRegion("eu-west-1", { quota })),
      /^warning quota eu-west-1: .*servicequotas:GetServiceQuota/,
    );
    assert.match(only(inRegion("eu-west-1", { quota: failure("Other") })), /Other: no luck → $/);
  });

  it("refuses a block that the stack doesn't switch off, of images and of snapshots", () => {
    const blocked = inRegion("eu-west-1", {
      imageBlocking: { value: "block-new-sharing" },
      snapshotBlocking: { value: "block-all-sharing" },
    });
    const [images, snapshots, ...more] = found(blocked);
    assert.match(
      images!,
      /^error block public access eu-west-1: block-new-sharing for images, .*blockPublicAccess to off/,
    );
    assert.match(
      snapshots!,
      /^error .*: block-all-sharing for snapshots, .*disable-snapshot-block-public-access/,
    );
    assert.deepEqual(more, []);
    const off = somePlan({ settings: given.awsSettings({ blockPublicAccess: "off" }) });
    assert.deepEqual(found(blocked, off), []);
    assert.match(only(inRegion("me-south-1", { imageBlocking: { value: "block-new-sharing" } })), /^warning/);
    assert.match(
      only(inRegion("eu-west-1", { imageBlocking: failure("X", "denied") })),
      /^warning .*could not be checked/,
    );
  });
});

describe("preflight of deprecations", () => {
  const past = "2026-11-23T11:59:00Z";
  const plan = (deprecated: string) => somePlan({ images: [{ ...planned!, deprecated }] });
  /** An image that AWS has, with a day of its own. */
  const there = (deprecated?: string) =>
    given.someRegion({
      images: { value: [{ ...ours, ...defined({ deprecated }) }] },
    });
  const everywhere = (deprecated?: string) => {
    const region = there(deprecated);
    return { [home]: region, "eu-west-1": region, "me-south-1": region };
  };

  it("refuses to publish what would be deprecated in the past", () => {
    assert.match(
      only(someFacts(), plan(past)),
      /^error end of life 3\.23\.6-r0: was due for deprecation on 2026-11-23, but .*: 3\.23\.6-x86_64-uefi-tiny-aws-r0 → .* correct the day at configs\/releases\.yaml:9:9, or lower the stage below import/,
    );
    assert.deepEqual(found(someFacts(), plan("2026-11-23T23:59:00Z")), []);
  });

  it("has a new region left out where an old image is published, and never its stage lowered", () => {
    const perRegion = { ...everywhere(past), "eu-west-1": given.someRegion() };
    const problem = only(someFacts({ perRegion }), plan(past));
    assert.match(problem, /^error end of life 3\.23\.6-r0: .* not copied to eu-west-1 yet: 3\.23\.6-\S+ → /);
    assert.match(problem, /`regions: \{ eu-west-1: false \}` in the layer of their version/);
    assert.doesNotMatch(problem, /stage/);
  });

  it("only warns where that region is one of best effort", () => {
    const perRegion = { ...everywhere(past), "me-south-1": given.someRegion() };
    assert.match(
      only(someFacts({ perRegion }), plan(past)),
      /^warning end of life .* copied to me-south-1.*regions: \{ me-south-1: false \}/,
    );
  });

  it("refuses to move a published image's day into the past", () => {
    for (const perRegion of [everywhere("2027-11-01T23:59:00.000Z"), everywhere()]) {
      assert.match(
        only(someFacts({ perRegion }), plan(past)),
        /^error end of life 3\.23\.6-r0: would now be deprecated on 2026-11-23, which has passed, .* → .* choose a future day at configs\/releases\.yaml:9:9/,
      );
    }
    assert.deepEqual(found(someFacts({ perRegion: everywhere() }), plan("2026-11-24T00:00:00Z")), []);
  });

  it("leaves alone what keeps its day, and what a region that is off will never have", () => {
    const perRegion = everywhere("2020-01-01T23:59:00.000Z");
    assert.deepEqual(found(someFacts({ perRegion }), plan("2020-01-01T23:59:00Z")), []);
    const asked = { [home]: perRegion[home], "eu-west-1": perRegion["eu-west-1"] };
    assert.deepEqual(found(someFacts({ perRegion: asked }), plan("2020-01-01T23:59:00Z")), []);
  });
});
