/** An error with a code of AWS's own. */
export class AwsError extends Error {
  public constructor(
    public readonly code: string,
    message: string,
    public readonly statusCode = 400,
  ) {
    super(message);
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
