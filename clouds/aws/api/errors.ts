/** AWS's errors, in words that say what to do. Told apart by code and status: texts change. */
import type { ErrorCode } from "../../../src/lib/error-codes.ts";
import { UserError } from "../../../src/lib/user-error.ts";

/** What the SDK throws for an answer, a broken connection, or missing credentials. */
interface AwsFault extends Error {
  /** Of the network's faults. */
  code?: string;
  $metadata?: { httpStatusCode?: number; attempts?: number };
  $response?: { headers?: Record<string, string> };
}

const kinds = {
  expired: {
    code: "aws-credentials-expired",
    codes: ["ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"],
    hint: "renew the credentials and run it again: it goes on where it stopped",
  },
  credentials: {
    code: "aws-credentials-invalid",
    codes: [
      "CredentialsProviderError",
      "InvalidAccessKeyId",
      "InvalidClientTokenId",
      "InvalidToken",
      "UnrecognizedClientException",
      "SignatureDoesNotMatch",
      "AuthFailure",
    ],
    hint: "give valid credentials by the SDK's usual ways: variables AWS_…, a profile, a role",
  },
  clock: {
    code: "aws-clock-wrong",
    codes: ["RequestTimeTooSkewed"],
    hint: "set this machine's clock",
  },
  denied: {
    code: "aws-denied",
    codes: [
      "AccessDenied",
      "AccessDeniedException",
      "AllAccessDisabled",
      "Forbidden",
      "UnauthorizedOperation",
      "403",
    ],
    hint: "let the credentials' policy allow it: the `account` program declares what is needed",
  },
  bucket: {
    code: "aws-bucket-missing",
    codes: ["NoSuchBucket"],
    hint: "make the bucket (the `account` program declares it), or set the stack's aws.bucket to one that exists",
  },
  region: {
    code: "aws-region-wrong",
    codes: ["PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301"],
    hint: "set the stack's aws.region to the bucket's region, or aws.bucket to a bucket in aws.region",
  },
  damaged: {
    code: "aws-data-damaged",
    codes: ["BadDigest", "InvalidDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch"],
    hint: "what arrived was not what was sent: run it again; if it stays so, the line or this machine damages data",
  },
  throttled: {
    code: "aws-throttled",
    codes: [
      "SlowDown",
      "Throttling",
      "ThrottlingException",
      "RequestLimitExceeded",
      "RequestThrottledException",
      "ConcurrentLimitExceededException",
      "TooManyRequestsException",
      "BandwidthLimitExceeded",
    ],
    hint: "run it again later, or with fewer at once (--parallel): it goes on where it stopped",
  },
  quota: {
    code: "aws-quota-reached",
    codes: ["ServiceQuotaExceededException", "SnapshotLimitExceeded", "ResourceLimitExceeded"],
    hint: "raise the account's quota, or remove what is no longer needed",
  },
  inUse: {
    code: "aws-in-use",
    codes: ["InvalidSnapshot.InUse"],
    hint: "deregister the image that is made of it first",
  },
  unreachable: {
    code: "aws-unreachable",
    codes: [
      "ECONNREFUSED",
      "ECONNRESET",
      "EPIPE",
      "ETIMEDOUT",
      "EHOSTUNREACH",
      "ENETUNREACH",
      "ENOTFOUND",
      "EAI_AGAIN",
      "TimeoutError",
      "RequestTimeout",
      "InternalError",
      "InternalServerException",
      "ServiceUnavailable",
      "500",
      "502",
      "503",
      "504",
    ],
    hint: "see that AWS can be reached from here, and run it again: it goes on where it stopped",
  },
} as const;

export type AwsFaultKind = keyof typeof kinds;

/** What kind of fault AWS reports; undefined for any other error. */
export function awsFaultKind(error: unknown): AwsFaultKind | undefined {
  const codes = codesOf(error);
  return (Object.keys(kinds) as AwsFaultKind[]).find((kind) =>
    kinds[kind].codes.some((code) => codes.includes(code)),
  );
}

/** What a UserError of this kind has as its code. */
export const errorCodeOf = (kind: AwsFaultKind): ErrorCode => kinds[kind].code;

/** An error's code, and its status for the answers that have no text (to HEAD) and so no code. */
export function codesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const { name, code, $metadata } = error as AwsFault;
  return [name, code, $metadata?.httpStatusCode].filter((one) => one !== undefined).map(String);
}

/**
 * Does something in AWS; what it reports of a known kind becomes a UserError.
 * @param doing what is being done and to what: `cannot DOING: …`
 */
export async function withAwsErrors<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explainedError(doing, error);
  }
}

function explainedError(doing: string, error: unknown): unknown {
  const kind = awsFaultKind(error);
  if (kind === undefined || error instanceof UserError) return error;
  const { name, message, $response, $metadata } = error as AwsFault;
  const [code = ""] = codesOf(error);
  const home = $response?.headers?.["x-amz-bucket-region"];
  const where = kind === "region" && home !== undefined ? `; the bucket is in ${home}` : "";
  // Answers to HEAD have no text.
  const isTextless = name.startsWith("Unknown") || /^\d+$/.test(name);
  const said = message === code || message === "" ? code : `${message} (${code})`;
  const text = isTextless ? `AWS answers with status ${$metadata?.httpStatusCode}` : said;
  return new UserError(errorCodeOf(kind), `cannot ${doing}: ${text}${where}`, kinds[kind].hint, {
    where: doing,
    cause: error,
  });
}
