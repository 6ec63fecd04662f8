/** What the protocols of the emulator's HTTP interface have in common. */
import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import type { Cloud } from "../cloud.ts";
import { AwsError } from "../cloud/aws-error.ts";

/** A request, and the cloud of the account that signed it. */
export interface Call {
  cloud: Cloud;
  region: string;
  request: IncomingMessage;
}

export interface Reply {
  status: number;
  headers: OutgoingHttpHeaders;
  body: string | Buffer;
}

export async function bodyOf(request: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** A bug in the emulator is also reported as a client error, so that clients do not retry. */
export function asAwsError(error: unknown): AwsError {
  if (error instanceof AwsError) return error;
  return new AwsError("DoubleFailure", error instanceof Error ? error.message : String(error));
}
