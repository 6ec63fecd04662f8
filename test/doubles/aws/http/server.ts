/**
 * Serves the emulated cloud over HTTP, for the program's calls through the official SDK. It uses the same files as the provider.
 * It has EC2, EBS direct, STS, IAM, SSM and Service Quotas, and passes S3's calls on to the server that holds the objects.
 */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Cloud } from "../cloud.ts";
import {
  ec2Actions,
  iamActions,
  quotaActions,
  ssmActions,
  stsActions,
  type ActionName,
  type Params,
} from "../cloud/actions.ts";
import { AwsError } from "../cloud/aws-error.ts";
import { accountOf } from "../configuration.ts";
import { killItself, type Killer } from "../faults.ts";
import { findObject } from "../object-store.ts";
import { answerBlocks } from "./blocks.ts";
import { answerObjects } from "./objects.ts";
import { readParams, writeAnswer, writeError, type QueryService } from "./query.ts";
import { asAwsError, bodyOf, type Call, type Reply } from "./reply.ts";

export interface ServeOptions {
  /** Port on loopback. @default any free port */
  port?: number;
  /** URL of the server that holds the objects. @default there is no S3 */
  objects?: string;
  /** Kills what a fault says, because only the code that started the engine can do that. */
  kill?: Killer;
}

/** Serves the cloud in `folder` on loopback. */
export async function serveCloud(
  folder: string,
  options: ServeOptions = {},
): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    void reply(folder, options, request).then(({ status, headers, body }) => {
      response.writeHead(status, { ...headers, "x-amzn-requestid": "double" }).end(body);
    });
  });
  await new Promise<void>((listening) => server.listen(options.port ?? 0, "127.0.0.1", listening));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

async function reply(folder: string, options: ServeOptions, request: IncomingMessage): Promise<Reply> {
  let scope;
  try {
    scope = scopeOf(request);
  } catch (error) {
    // For every service: its client reads one of the two.
    const { code, message, statusCode } = asAwsError(error);
    return xml(statusCode, writeError("ec2", code, message), { "x-amzn-errortype": code });
  }
  const { account, region, service } = scope;
  const { objects, kill = killItself } = options;
  const find = (...[at, bucket, key]: [string, string, string]) =>
    findObject(account, at, bucket, key, objects);
  const cloud = new Cloud(folder, account, "http", find, kill);
  const call: Call = { cloud, region, request };
  if (service === "s3") return await answerObjects(call, objects);
  if (service === "ebs") return await answerBlocks(call);
  const target = request.headers["x-amz-target"];
  const body = (await bodyOf(request)).toString("utf8");
  return typeof target === "string"
    ? await json(call, target, body)
    : await query(call, service as QueryService, new URLSearchParams(body));
}

/** From the signature's scope: `Credential=KEY/DAY/REGION/SERVICE/aws4_request`. */
function scopeOf(request: IncomingMessage): { account: string; region: string; service: string } {
  const scope = /Credential=([^/]+)\/\d+\/([^/]+)\/([^/]+)\//.exec(request.headers.authorization ?? "");
  const [, key, region, service] = scope ?? [];
  if (key === undefined || region === undefined || service === undefined) {
    throw new AwsError("MissingAuthenticationToken", "Request is missing Authentication Token", 403);
  }
  try {
    return { account: accountOf(key), region, service };
  } catch (error) {
    throw new AwsError("AuthFailure", (error as Error).message, 401);
  }
}

async function perform({ cloud, region }: Call, action: string, params: unknown): Promise<unknown> {
  return await cloud.call(region, action as ActionName, params as Params<ActionName>);
}

const queryActions: Record<QueryService, object> = { ec2: ec2Actions, iam: iamActions, sts: stsActions };

async function query(call: Call, service: QueryService, form: URLSearchParams): Promise<Reply> {
  const action = form.get("Action") ?? "";
  try {
    if (!(action in queryActions[service])) {
      throw new AwsError("InvalidAction", `The AWS emulator doesn't know ${service} ${action}`);
    }
    // GetCallerIdentity has no parameters.
    const params = service === "sts" ? {} : readParams(service, action, form);
    return xml(200, writeAnswer(service, action, await perform(call, action, params)));
  } catch (error) {
    const { code, message, statusCode } = asAwsError(error);
    return xml(statusCode, writeError(service, code, message));
  }
}

const xml = (status: number, body: string, headers = {}): Reply => ({
  status,
  body,
  headers: { "content-type": "text/xml;charset=UTF-8", ...headers },
});

/** SSM and Service Quotas: `X-Amz-Target: SERVICE.Action`. */
async function json(call: Call, target: string, body: string): Promise<Reply> {
  const action = target.split(".").at(-1) ?? "";
  const headers = { "content-type": "application/x-amz-json-1.1" };
  try {
    if (!(action in { ...ssmActions, ...quotaActions })) {
      throw new AwsError("UnknownOperationException", `The AWS emulator doesn't know ${target}`);
    }
    const answer = await perform(call, action, JSON.parse(body === "" ? "{}" : body));
    return { status: 200, headers, body: JSON.stringify(answer) };
  } catch (error) {
    const { code, message, statusCode } = asAwsError(error);
    return { status: statusCode, headers, body: JSON.stringify({ __type: code, message }) };
  }
}
