/** Turns AWS's errors into UserErrors that say what to do. Errors are recognised by code and status, because texts change. */
import type { ErrorCode } from "../../../src/lib/error-codes.ts";
import { UserError } from "../../../src/lib/user-error.ts";

/** What the SDK throws for an error response, a broken connection, or missing credentials. */
interface AwsFault extends Error {
  /** Set for network errors. */
  code?: string;
  $metadata?: { httpStatusCode?: number; attempts?: number };
  $response?: { headers?: Record<string, string> };
}

const kinds = {
  expired: {
    code: "aws-credentials-expired",
    codes: ["ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"],
    hint: "renew the credentials and run it again: it resumes where it stopped",
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
    hint: "provide valid credentials in one of the SDK's usual ways: AWS_… variables, a profile, or a role",
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
    hint: "allow it in the credentials' policy: the `account` program declares what is needed",
  },
  bucket: {
    code: "aws-bucket-missing",
    codes: ["NoSuchBucket"],
    hint: "create the bucket (the `account` program declares it), or set the stack's aws.bucket to an existing one",
  },
  region: {
    code: "aws-region-wrong",
    codes: ["PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301"],
    hint: "set the stack's aws.region to the bucket's region, or aws.bucket to a bucket in aws.region",
  },
  damaged: {
    code: "aws-data-damaged",
    codes: ["BadDigest", "InvalidDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch"],
    hint: "the data was corrupted in transit: run it again; if it keeps failing, check the network and this machine",
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
    hint: "run it again later, or with a lower --parallel: it resumes where it stopped",
  },
  quota: {
    code: "aws-quota-reached",
    codes: ["ServiceQuotaExceededException", "SnapshotLimitExceeded", "ResourceLimitExceeded"],
    hint: "request a higher quota, or remove what is no longer needed",
  },
  inUse: {
    code: "aws-in-use",
    codes: ["InvalidSnapshot.InUse"],
    hint: "first deregister the image that uses it",
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
    hint: "check that AWS can be reached from here, and run it again: it resumes where it stopped",
  },
} as const;

export type AwsFaultKind = keyof typeof kinds;

/** The kind of fault that an error reports. Undefined for any other error. */
export function awsFaultKind(error: unknown): AwsFaultKind | undefined {
  const codes = codesOf(error);
  return (Object.keys(kinds) as AwsFaultKind[]).find((kind) =>
    kinds[kind].codes.some((code) => codes.includes(code)),
  );
}

/** The code of a UserError of this kind. */
export const errorCodeOf = (kind: AwsFaultKind): ErrorCode => kinds[kind].code;

/** An error's codes, including its status: responses to HEAD have no body, and so no other code. */
export function codesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const { name, code, $metadata } = error as AwsFault;
  return [name, code, $metadata?.httpStatusCode].filter((one) => one !== undefined).map(String);
}

/**
 * Does something in AWS, and turns faults of a known kind into UserErrors.
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
  // Responses to HEAD have no body.
  const isTextless = name.startsWith("Unknown") || /^\d+$/.test(name);
  const said = message === code || message === "" ? code : `${message} (${code})`;
  const text = isTextless ? `AWS answered with status ${$metadata?.httpStatusCode}` : said;
  return new UserError(errorCodeOf(kind), `cannot ${doing}: ${text}${where}`, kinds[kind].hint, {
    where: doing,
    cause: error,
  });
}
