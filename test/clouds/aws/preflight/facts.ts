/** A plan of two images, one of them public in two regions, and an account where all is well. */
import { type AwsSettings, awsSettingsOf } from "../../../../clouds/aws/options.ts";
import { vmimportTrust } from "../../../../clouds/aws/policies.ts";
import type { AccountFacts, Failure, RegionFacts } from "../../../../clouds/aws/preflight/answers.ts";
import type { PlannedImage, PublishPlan } from "../../../../clouds/aws/preflight/plan.ts";
import { defined } from "../../../../src/lib/defined.ts";
import type { CheckResult } from "../../../../src/preflight/check-result.ts";
import { readSettings } from "../../../helpers/configuration.ts";

export const now = "2026-11-23T12:00:00.000Z";
export const account = "111122223333";
export const home = "us-east-1";

export function awsSettings(changes: Partial<AwsSettings> = {}): AwsSettings {
  const given = { region: home, bucket: "uploads", accounts: [account], ...changes };
  return awsSettingsOf(readSettings({ aws: given }));
}

export function somePlan(changes: Partial<PublishPlan> = {}): PublishPlan {
  const image: PlannedImage = {
    key: "3.23.6-x86_64-uefi-tiny-aws-r0",
    name: "alpine-3.23.6-x86_64-uefi-tiny-r0",
    tags: {
      project: "https://alpinelinux.org/cloud",
      image_key: "3.23.6-x86_64-uefi-tiny-aws",
      revision: "0",
    },
    regions: [
      { name: home, bestEffort: false, isPublic: true },
      { name: "eu-west-1", bestEffort: false, isPublic: true },
      { name: "me-south-1", bestEffort: true, isPublic: true },
    ],
    sharesSnapshots: true,
    entry: "3.23.6-r0",
    place: "configs/releases.yaml:9:9",
    deprecated: "2027-11-01T23:59:00Z",
  };
  const atImport: PlannedImage = {
    ...image,
    key: "3.24.0-x86_64-uefi-tiny-aws-r0",
    name: "alpine-3.24.0-x86_64-uefi-tiny-r0",
    entry: "3.24.0-r0",
    regions: [{ name: home, bestEffort: false, isPublic: false }],
    sharesSnapshots: false,
  };
  return { settings: awsSettings(), images: [image, atImport], wantsAllRegions: true, ...changes };
}

export const someRegion = (changes: Partial<RegionFacts> = {}): RegionFacts => ({
  images: { value: [] },
  quota: { value: 5 },
  imageBlocking: { value: "unblocked" },
  snapshotBlocking: { value: "unblocked" },
  ...changes,
});

export const someFacts = (changes: Partial<AccountFacts> = {}): AccountFacts => ({
  identity: { value: { account, arn: `arn:aws:iam::${account}:user/publisher` } },
  regions: {
    value: { [home]: "opt-in-not-required", "eu-west-1": "opt-in-not-required", "me-south-1": "opted-in" },
  },
  bucketRegion: { value: home },
  role: { value: { trust: JSON.stringify(vmimportTrust), denied: { value: [] } } },
  perRegion: { [home]: someRegion(), "eu-west-1": someRegion(), "me-south-1": someRegion() },
  ...changes,
});

/** The same facts, with something else in one region. */
export function inRegion(region: string, changes: Partial<RegionFacts>): AccountFacts {
  const facts = someFacts();
  return { ...facts, perRegion: { ...facts.perRegion, [region]: someRegion(changes) } };
}

export const failure = (code: string, kind?: Failure["kind"]): { failure: Failure } => ({
  failure: { code, message: "no luck", ...defined({ kind }) },
});

/** What isn't well, in one line each. */
export const problems = (results: readonly CheckResult[]): string[] =>
  results
    .filter(({ level }) => level !== "ok")
    .map(({ level, check, where, found, remedy = "" }) => `${level} ${check} ${where}: ${found} → ${remedy}`);

/** The facts, some of them not asked. */
export function without(facts: AccountFacts, ...names: (keyof AccountFacts)[]): AccountFacts {
  const rest = Object.entries(facts).filter(([name]) => !(names as string[]).includes(name));
  return Object.fromEntries(rest) as unknown as AccountFacts;
}
