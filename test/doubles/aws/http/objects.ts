/** S3: logs every call, applies faults, and passes the call to a real server on loopback. */
import { request as httpRequest, type IncomingMessage } from "node:http";
import { AwsError } from "../cloud/aws-error.ts";
import { objectCallOf } from "../cloud/object-actions.ts";
import { loopbackEndpoint } from "../object-store.ts";
import { element, escaped } from "./query.ts";
import { asAwsError, bodyOf, type Call, type Reply } from "./reply.ts";

/** A refusal by the S3 server, passed back unchanged. */
class Refused extends AwsError {
  public readonly reply: Reply;

  public constructor(reply: Reply) {
    const code = /<Code>([^<]+)<\/Code>/.exec(reply.body.toString())?.[1] ?? String(reply.status);
    super(code, "refused by the S3 server", reply.status);
    this.reply = reply;
  }
}

export async function answerObjects(
  { cloud, region, request }: Call,
  objects: string | undefined,
): Promise<Reply> {
  const { method = "GET", url = "/", headers } = request;
  const call = objectCallOf(method, url, headers["x-amz-copy-source"] !== undefined);
  try {
    if (call === undefined) {
      throw new AwsError("NotImplemented", `The AWS emulator doesn't know ${method} ${url}`, 501);
    }
    return await cloud.through(region, call.action, call.params, async () => {
      const reply = await passOn(request, loopbackEndpoint(objects));
      if (reply.status >= 400) throw new Refused(reply);
      return reply;
    });
  } catch (error) {
    request.resume();
    if (error instanceof Refused) return error.reply;
    const { code, message, statusCode } = asAwsError(error);
    const body = element("Error", element("Code", code) + element("Message", escaped(message)));
    return { status: statusCode, headers: { "content-type": "application/xml" }, body };
  }
}

/** The server's complete response, because a fault may still keep it from the client. */
async function passOn(request: IncomingMessage, server: string): Promise<Reply> {
  const { method, url, headers } = request;
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const onward = httpRequest(new URL(url ?? "/", server), { method, headers }, resolve);
    onward.on("error", reject);
    request.pipe(onward);
  });
  const body = await bodyOf(answer);
  // Connection headers apply to one connection only.
  const kept = { ...answer.headers };
  for (const name of ["connection", "transfer-encoding"]) delete kept[name];
  return { status: answer.statusCode ?? 500, headers: kept, body };
}
