/**
 * The double's cloud over HTTP, for what the program does through the official SDK: EC2, STS, SSM and Service Quotas, on
 * the same files as the provider. Clients find it by AWS_ENDPOINT_URL_EC2, …_STS, …_SSM and …_SERVICE_QUOTAS.
 */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Cloud } from "../cloud.ts";
import {
  actions,
  ec2Actions,
  quotaActions,
  ssmActions,
  stsActions,
  type ActionName,
  type Params,
} from "../cloud/actions.ts";
import { AwsError } from "../cloud/aws-error.ts";
import { accountOf } from "../configuration.ts";
import { findObject } from "../object-store.ts";
import { element, escaped, readParams, writeAnswer } from "./query.ts";

interface Reply {
  status: number;
  type: string;
  body: string;
}

/** The official client's variables, by which it finds the server at `url`. */
export function endpointVariables(url: string): Record<string, string> {
  return {
    ...{ AWS_ENDPOINT_URL_EC2: url, AWS_ENDPOINT_URL_STS: url },
    ...{ AWS_ENDPOINT_URL_SSM: url, AWS_ENDPOINT_URL_SERVICE_QUOTAS: url },
  };
}

/** Serves the cloud in `folder` on loopback. */
export async function serveCloud(folder: string, port = 0): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    void reply(folder, request).then(({ status, type, body }) => {
      response.writeHead(status, { "content-type": type, "x-amzn-requestid": "double" }).end(body);
    });
  });
  await new Promise<void>((listening) => server.listen(port, "127.0.0.1", listening));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

async function reply(folder: string, request: IncomingMessage): Promise<Reply> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString("utf8");
  const target = request.headers["x-amz-target"];
  return typeof target === "string"
    ? await json(folder, request, target, body)
    : await query(folder, request, new URLSearchParams(body));
}

/** Account and region from the signature's scope: `Credential=KEY/DAY/REGION/SERVICE/aws4_request`. */
function scopeOf(request: IncomingMessage): { account: string; region: string } {
  const scope = /Credential=([^/]+)\/\d+\/([^/]+)\//.exec(request.headers.authorization ?? "");
  const [, key, region] = scope ?? [];
  if (key === undefined || region === undefined) {
    throw new AwsError("MissingAuthenticationToken", "Request is missing Authentication Token", 403);
  }
  try {
    return { account: accountOf(key), region };
  } catch (error) {
    throw new AwsError("AuthFailure", (error as Error).message, 401);
  }
}

async function perform(
  folder: string,
  request: IncomingMessage,
  action: string,
  params: unknown,
): Promise<unknown> {
  const { account, region } = scopeOf(request);
  if (!(action in actions)) throw new AwsError("InvalidAction", `The AWS double doesn't know ${action}`);
  const cloud = new Cloud(folder, account, "http", (...names) => findObject(account, ...names));
  return await cloud.call(region, action as ActionName, params as Params<ActionName>);
}

async function query(folder: string, request: IncomingMessage, form: URLSearchParams): Promise<Reply> {
  const action = form.get("Action") ?? "";
  try {
    if (action in stsActions) {
      const answer = (await perform(folder, request, action, {})) as Record<string, string>;
      const inner = Object.entries(answer).map(([name, value]) => element(name, escaped(value)));
      return xml(200, element(`${action}Response`, element(`${action}Result`, inner.join(""))));
    }
    if (!(action in ec2Actions)) throw new AwsError("InvalidAction", `The AWS double doesn't know ${action}`);
    return xml(200, writeAnswer(action, await perform(folder, request, action, readParams(action, form))));
  } catch (error) {
    const { code, message, statusCode } = asAwsError(error);
    const inner = element("Error", element("Code", code) + element("Message", escaped(message)));
    return action in stsActions
      ? xml(statusCode, element("ErrorResponse", inner))
      : xml(statusCode, element("Response", element("Errors", inner) + element("RequestID", "double")));
  }
}

const xml = (status: number, body: string): Reply => ({ status, type: "text/xml;charset=UTF-8", body });

/** SSM and Service Quotas: `X-Amz-Target: SERVICE.Action`. */
async function json(folder: string, request: IncomingMessage, target: string, body: string): Promise<Reply> {
  const action = target.split(".").at(-1) ?? "";
  const type = "application/x-amz-json-1.1";
  try {
    if (!(action in { ...ssmActions, ...quotaActions })) {
      throw new AwsError("UnknownOperationException", `The AWS double doesn't know ${target}`);
    }
    const answer = await perform(folder, request, action, JSON.parse(body === "" ? "{}" : body));
    return { status: 200, type, body: JSON.stringify(answer) };
  } catch (error) {
    const { code, message, statusCode } = asAwsError(error);
    return { status: statusCode, type, body: JSON.stringify({ __type: code, message }) };
  }
}

/** A mistake of the double's own is the client's error too, and not one that it tries again after. */
function asAwsError(error: unknown): AwsError {
  if (error instanceof AwsError) return error;
  return new AwsError("DoubleFailure", error instanceof Error ? error.message : String(error));
}
