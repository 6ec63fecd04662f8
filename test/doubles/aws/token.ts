import { randomUUID } from "node:crypto";

/** An idempotency token, as the SDKs make one for each call that takes one. */
export const newToken = (): string => randomUUID();
