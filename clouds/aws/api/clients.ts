/**
 * Clients of the official SDK, all made the same way: for a region, with the ambient credentials and the SDK's own
 * variables for endpoints (AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3 …). Each service's SDK is loaded when its client is
 * made: loading all takes a second, and a program needs one or two.
 */
import type { EBSClient } from "@aws-sdk/client-ebs";
import type { EC2Client } from "@aws-sdk/client-ec2";
import type { IAMClient } from "@aws-sdk/client-iam";
import type { S3Client } from "@aws-sdk/client-s3";
import type { ServiceQuotasClient } from "@aws-sdk/client-service-quotas";
import type { SSMClient } from "@aws-sdk/client-ssm";
import type { STSClient } from "@aws-sdk/client-sts";
import { UserError } from "../../../src/lib/user-error.ts";

// On every run the SDK prints nine lines about the Node.js that next year's versions need. This version is pinned.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";

/** Which AWS to talk to. */
export interface AwsPlace {
  region: string;
  /** If true, calls go only to an emulator on loopback (setting `aws.emulator`). */
  emulator: boolean;
}

export async function ebsClient(place: AwsPlace): Promise<EBSClient> {
  const { EBSClient } = await import("@aws-sdk/client-ebs");
  return confined(new EBSClient(options(place)), place);
}

export async function ec2Client(place: AwsPlace): Promise<EC2Client> {
  const { EC2Client } = await import("@aws-sdk/client-ec2");
  return confined(new EC2Client(options(place)), place);
}

export async function iamClient(place: AwsPlace): Promise<IAMClient> {
  const { IAMClient } = await import("@aws-sdk/client-iam");
  return confined(new IAMClient(options(place)), place);
}

export async function s3Client(place: AwsPlace): Promise<S3Client> {
  const { S3Client } = await import("@aws-sdk/client-s3");
  return confined(new S3Client(options(place)), place);
}

export async function serviceQuotasClient(place: AwsPlace): Promise<ServiceQuotasClient> {
  const { ServiceQuotasClient } = await import("@aws-sdk/client-service-quotas");
  return confined(new ServiceQuotasClient(options(place)), place);
}

export async function ssmClient(place: AwsPlace): Promise<SSMClient> {
  const { SSMClient } = await import("@aws-sdk/client-ssm");
  return confined(new SSMClient(options(place)), place);
}

export async function stsClient(place: AwsPlace): Promise<STSClient> {
  const { STSClient } = await import("@aws-sdk/client-sts");
  return confined(new STSClient(options(place)), place);
}

/** By default the SDK gives up after three attempts: too few for a busy account or an unstable network. */
const maxAttempts = 8;

/**
 * Timeouts in milliseconds. Without them the SDK waits forever on a silent connection, which EBS direct sometimes
 * causes outside EC2 (awslabs/coldsnap#437).
 */
const requestHandler = { connectionTimeout: 10_000, socketTimeout: 60_000 };

function options({ region }: AwsPlace) {
  return { region, maxAttempts, requestHandler };
}

/** The part that the clients of all services have in common. */
interface AnyClient {
  middlewareStack: {
    add(
      middleware: (next: (call: { request: unknown }) => Promise<never>) => typeof next,
      options: { step: "finalizeRequest"; name: string; priority: "high" },
    ): void;
  };
}

/**
 * Confines an emulator's client to loopback. It checks each request rather than the settings, because an endpoint can
 * come from many places, and the SDK falls back to AWS's own.
 */
function confined<Client>(client: Client, { emulator }: AwsPlace): Client {
  if (!emulator) return client;
  (client as AnyClient).middlewareStack.add(
    (next) => (call) => {
      const { hostname = "" } = call.request as { hostname?: string };
      if (isLoopback(hostname)) return next(call);
      throw new UserError(
        "aws-not-the-emulator",
        `this stack may only call an emulator on loopback (setting aws.emulator), but a call would go to ${hostname}`,
        "set AWS_ENDPOINT_URL (or AWS_ENDPOINT_URL_S3 …) to the emulator's address",
        { where: hostname },
      );
    },
    { step: "finalizeRequest", name: "loopbackOnly", priority: "high" },
  );
  return client;
}

/** Whether a host's name or address never leaves this machine. */
export function isLoopback(hostname: string): boolean {
  return /^(127(\.\d{1,3}){3}|\[?::1\]?|(.+\.)?localhost)$/.test(hostname);
}
