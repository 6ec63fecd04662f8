/** An error with one of AWS's codes. */
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

/** Codes after which the official SDKs retry. All others are final. */
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
