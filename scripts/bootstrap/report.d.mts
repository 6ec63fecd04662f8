import type { ErrorCode } from "../../src/lib/error-codes.ts";

export class BootstrapError extends Error {
  constructor(code: ErrorCode, what: string, remedy?: string, options?: { where?: string });
  readonly code: ErrorCode;
  readonly what: string;
  readonly hint: string | undefined;
  readonly where: string | undefined;
}
