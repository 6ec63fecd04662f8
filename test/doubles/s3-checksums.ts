/**
 * Adds what moto lacks of S3's checksums: moto neither checks parts against their checksums nor returns these. Follows
 * the S3 user guide, "Checking object integrity", and the calls' API reference.
 */
import { createHash } from "node:crypto";
import { type Answer, type Exchange, type Handler, type Proxy, startProxy } from "./proxy.ts";

/** A proxy to moto that checks like S3. `handler` comes before it, and may still break things. */
export async function startS3(moto: string, handler: Handler = (_, passOn) => passOn()): Promise<Proxy> {
  const strict = checksums();
  return await startProxy(moto, (exchange, passOn) =>
    handler(exchange, async (changed) => {
      const seen = { ...exchange, ...changed };
      return (await strict(seen, () => passOn(seen))) ?? refuse(500, "InternalError");
    }),
  );
}

export const refuse = (status: number, code: string, message = code, headers = {}): Answer => ({
  status,
  headers: { "content-type": "application/xml", ...headers },
  body: `<Error><Code>${code}</Code><Message>${message}</Message></Error>`,
});

interface Part {
  sha256: string;
  bytes: number;
}

function checksums(): Handler {
  const uploads = new Map<string, Map<string, Part>>();
  return async (exchange, passOn) => {
    const { method, query, body } = exchange;
    const upload = query.get("uploadId");
    if (upload !== null) {
      const parts = uploads.get(upload) ?? new Map<string, Part>();
      uploads.set(upload, parts);
      if (method === "PUT") return await takePart(exchange, parts, passOn);
      if (method === "GET") return tellParts(await passOn(), parts);
      if (method === "POST") return completeFault(exchange, parts) ?? (await passOn());
    }
    const answer = await passOn();
    return method === "HEAD" && body.length === 0 ? countParts(answer) : answer;
  };
}

/** UploadPart: the data must match its checksum. */
async function takePart(
  { headers, query, body }: Exchange,
  parts: Map<string, Part>,
  passOn: () => Promise<Answer>,
): Promise<Answer> {
  const sha256 = createHash("sha256").update(body).digest("base64");
  const announced = headers["x-amz-checksum-sha256"];
  if (announced === undefined) return refuse(400, "InvalidRequest", "a part of a SHA256 upload has none");
  if (announced !== sha256) {
    return refuse(400, "BadDigest", "The SHA256 you specified did not match the calculated checksum.");
  }
  const answer = await passOn();
  if (answer.status === 200) parts.set(query.get("partNumber") ?? "", { sha256, bytes: body.length });
  return answer;
}

/** ListParts: adds each part's checksum. */
function tellParts(answer: Answer, parts: Map<string, Part>): Answer {
  const body = answer.body
    .toString()
    .replace(
      /<PartNumber>(\d+)<\/PartNumber>/g,
      (found, number: string) => `${found}<ChecksumSHA256>${parts.get(number)?.sha256}</ChecksumSHA256>`,
    );
  return { ...answer, body };
}

/** CompleteMultipartUpload: the parts' checksums and the object's size must match what was received. */
function completeFault({ headers, body }: Exchange, parts: Map<string, Part>): Answer | undefined {
  let bytes = 0;
  for (const [, part = ""] of body.toString().matchAll(/<Part>(.*?)<\/Part>/gs)) {
    const field = (name: string): string => new RegExp(`<${name}>(.*?)</${name}>`).exec(part)?.[1] ?? "";
    const known = parts.get(field("PartNumber"));
    if (known === undefined || known.sha256 !== field("ChecksumSHA256")) return refuse(400, "InvalidPart");
    bytes += known.bytes;
  }
  const announced = headers["x-amz-mp-object-size"];
  if (announced === undefined || Number(announced) === bytes) return undefined;
  return refuse(400, "InvalidRequest", "The provided object size does not match");
}

/** HeadObject: appends the number of parts to a composite checksum, as in the ETag. */
function countParts(answer: Answer): Answer {
  const sha256 = answer.headers["x-amz-checksum-sha256"];
  const count = /-(\d+)"$/.exec(String(answer.headers["etag"]))?.[1];
  if (sha256 === undefined || count === undefined) return answer;
  return { ...answer, headers: { ...answer.headers, "x-amz-checksum-sha256": `${String(sha256)}-${count}` } };
}
