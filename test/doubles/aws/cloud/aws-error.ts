/** An error with a code of AWS's own. */
export class AwsError extends Error {
  public readonly code: string;
  public readonly statusCode: number;

  public constructor(code: string, message: string, statusCode = 400) {
    super(message);
    this.code = code;
    this.statusCode = statusCode;
    this.name = "AwsError";
  }
}

/** Codes that the official SDKs try again after; everything else is final. */
const retryable = new Set([
  "RequestLimitExceeded",
  "Throttling",
  "ThrottlingException",
  "TooManyRequestsException",
  "SlowDown",
  "InternalError",
  "InternalFailure",
  "ServiceUnavailable",
  "Unavailable",
  "RequestTimeout",
]);

export const isRetryable = (error: unknown): boolean =>
  error instanceof AwsError && retryable.has(error.code);
