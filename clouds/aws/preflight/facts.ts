/**
 * Queries what preflight needs to know about the account. It changes nothing. A failed query is a fact too, which the
 * checks interpret. This file loads the SDKs, so import it only when there is something to query.
 */
import {
  DescribeRegionsCommand,
  GetImageBlockPublicAccessStateCommand,
  GetSnapshotBlockPublicAccessStateCommand,
  paginateDescribeImages,
  type EC2Client,
} from "@aws-sdk/client-ec2";
import { GetRoleCommand, SimulatePrincipalPolicyCommand } from "@aws-sdk/client-iam";
import { HeadBucketCommand } from "@aws-sdk/client-s3";
import { GetServiceQuotaCommand } from "@aws-sdk/client-service-quotas";
import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import pLimit from "p-limit";
import { defined } from "../../../src/lib/defined.ts";
import {
  ec2Client,
  iamClient,
  s3Client,
  serviceQuotasClient,
  stsClient,
  type AwsPlace,
} from "../api/clients.ts";
import { awsFaultKind, codesOf } from "../api/errors.ts";
import { vmimportNeeds } from "../policies.ts";
import {
  isEnabled,
  type AccountFacts,
  type Answer,
  type OwnImage,
  type RegionFacts,
  type RoleFacts,
} from "./answers.ts";
import { plannedRegions, publicImagesIn, type PublishPlan } from "./plan.ts";
import { publicImagesQuota } from "./sharing.ts";

/** Parallel requests: all regions at a time, and no more than a laptop's network handles well. */
const parallelRequests = 32;

/** Queries everything that the plan's checks need. If the account is not an allowed one, only its identity. */
export async function readFacts(plan: PublishPlan): Promise<AccountFacts> {
  const { region, bucket, role, importMethod, accounts, emulator } = plan.settings;
  const home: AwsPlace = { region, emulator };
  const limit = pLimit(parallelRequests);
  const ask = <T>(question: () => Promise<T>): Promise<Answer<T>> => limit(() => answer(question));
  const identity = await readIdentity(home);
  if ("failure" in identity) return { identity };
  if (accounts.length > 0 && !accounts.includes(identity.value.account)) return { identity };

  const usesImport = importMethod === "vmimport" && plan.images.length > 0;
  const [regions, foundBucket, foundRole] = await Promise.all([
    ask(() => regionStates(home)),
    usesImport && bucket !== "" ? ask(() => bucketRegion(home, bucket)) : undefined,
    usesImport ? ask(() => roleFacts(home, role, bucket)) : undefined,
  ]);
  const enabled = plannedRegions(plan).filter(
    ({ name }) => "failure" in regions || isEnabled(regions.value[name]),
  );
  const perRegion = await Promise.all(
    enabled.map(
      async ({ name }) => [name, await regionFacts(plan, { region: name, emulator }, ask)] as const,
    ),
  );
  return {
    identity,
    regions,
    ...defined({ bucketRegion: foundBucket, role: foundRole }),
    perRegion: Object.fromEntries(perRegion),
  };
}

/** Whose credentials are used. */
export function readIdentity(home: AwsPlace): Promise<AccountFacts["identity"]> {
  return answer(async () => {
    const { Account, Arn } = await (await stsClient(home)).send(new GetCallerIdentityCommand({}));
    return { account: Account ?? "", arn: Arn ?? "" };
  });
}

async function answer<T>(question: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await question() };
  } catch (error) {
    const [code = "unknown"] = codesOf(error);
    const kind = awsFaultKind(error);
    const message = error instanceof Error ? error.message : String(error);
    return { failure: { code, message, ...defined({ kind }) } };
  }
}

/** Region to its opt-in status. */
export async function regionStates(home: AwsPlace): Promise<Record<string, string>> {
  const { Regions = [] } = await (
    await ec2Client(home)
  ).send(new DescribeRegionsCommand({ AllRegions: true }));
  return Object.fromEntries(
    Regions.map(({ RegionName = "", OptInStatus = "" }) => [RegionName, OptInStatus]),
  );
}

async function bucketRegion(home: AwsPlace, bucket: string): Promise<string> {
  const { BucketRegion } = await (await s3Client(home)).send(new HeadBucketCommand({ Bucket: bucket }));
  return BucketRegion ?? home.region;
}

async function roleFacts(home: AwsPlace, name: string, bucket: string): Promise<RoleFacts> {
  const iam = await iamClient(home);
  const { Role } = await iam.send(new GetRoleCommand({ RoleName: name }));
  const simulations = vmimportNeeds({ region: home.region, bucket }).map(({ actions, resource }) =>
    answer(async () => {
      const { EvaluationResults = [] } = await iam.send(
        new SimulatePrincipalPolicyCommand({
          PolicySourceArn: Role?.Arn,
          ActionNames: actions,
          ResourceArns: [resource],
        }),
      );
      return EvaluationResults.filter(({ EvalDecision }) => EvalDecision !== "allowed").map(
        ({ EvalActionName = "" }) => EvalActionName,
      );
    }),
  );
  const results = await Promise.all(simulations);
  const failed = results.find((result) => "failure" in result);
  return {
    // IAM returns policies URL-encoded.
    trust: decodeURIComponent(Role?.AssumeRolePolicyDocument ?? ""),
    denied: failed ?? { value: results.flatMap((result) => ("value" in result ? result.value : [])) },
  };
}

type Ask = <T>(question: () => Promise<T>) => Promise<Answer<T>>;

async function regionFacts(plan: PublishPlan, place: AwsPlace, ask: Ask): Promise<RegionFacts> {
  const ec2 = await ec2Client(place);
  const publicOnes = publicImagesIn(plan, place.region);
  const isPublic = publicOnes.length > 0;
  const sharesSnapshots = publicOnes.some((image) => image.sharesSnapshots);
  const [images, quota, imageBlocking, snapshotBlocking] = await Promise.all([
    ask(() => ownImages(ec2)),
    isPublic ? ask(() => quotaOf(place)) : undefined,
    isPublic ? ask(() => imageBlockingOf(ec2)) : undefined,
    sharesSnapshots ? ask(() => snapshotBlockingOf(ec2)) : undefined,
  ]);
  return {
    images,
    ...defined({ quota, imageBlocking, snapshotBlocking }),
  };
}

/** All of the account's images. Disabled ones count, because they keep their names. */
async function ownImages(ec2: EC2Client): Promise<OwnImage[]> {
  const images: OwnImage[] = [];
  const pages = paginateDescribeImages(
    { client: ec2, pageSize: 500 },
    { Owners: ["self"], IncludeDisabled: true },
  );
  for await (const { Images = [] } of pages) {
    for (const { ImageId = "", Name = "", Public = false, Tags = [], DeprecationTime } of Images) {
      const tags = Object.fromEntries(Tags.map(({ Key = "", Value = "" }) => [Key, Value]));
      const deprecation = defined({ deprecated: DeprecationTime });
      images.push({ id: ImageId, name: Name, isPublic: Public, tags, ...deprecation });
    }
  }
  return images;
}

async function quotaOf(place: AwsPlace): Promise<number> {
  const { Quota } = await (
    await serviceQuotasClient(place)
  ).send(new GetServiceQuotaCommand({ ServiceCode: "ec2", QuotaCode: publicImagesQuota }));
  return Quota?.Value ?? 0;
}

async function imageBlockingOf(ec2: EC2Client): Promise<string> {
  const { ImageBlockPublicAccessState } = await ec2.send(new GetImageBlockPublicAccessStateCommand({}));
  return ImageBlockPublicAccessState ?? "";
}

async function snapshotBlockingOf(ec2: EC2Client): Promise<string> {
  const { State } = await ec2.send(new GetSnapshotBlockPublicAccessStateCommand({}));
  return State ?? "";
}
