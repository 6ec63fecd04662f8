/** EBS direct's protocol: paths, headers, JSON, and raw blocks. Each block's bytes are kept once, by checksum. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomically } from "../../../../src/lib/atomic-file.ts";
import { defined } from "../../../../src/lib/defined.ts";
import { AwsError } from "../cloud/aws-error.ts";
import type { StartSnapshotParams } from "../cloud/blocks.ts";
import { asAwsError, bodyOf, type Call, type Reply } from "./reply.ts";

/** The file in the emulator's folder that keeps a block with this checksum. */
export function blockFile(folder: string, checksum: string): string {
  return join(folder, "blocks", Buffer.from(checksum, "base64").toString("hex"));
}

export async function answerBlocks(call: Call): Promise<Reply> {
  try {
    return await answer(call);
  } catch (error) {
    const { code, message, statusCode } = asAwsError(error);
    const headers = { "content-type": "application/json", "x-amzn-errortype": code };
    return { status: statusCode, headers, body: JSON.stringify({ Message: message, Reason: code }) };
  }
}

async function answer({ cloud, region, request }: Call): Promise<Reply> {
  const { pathname, searchParams } = new URL(request.url ?? "", "http://ebs");
  const [, SnapshotId = ""] = /\/(snap-[^/]+)/.exec(pathname) ?? [];
  const BlockIndex = Number(/\/(\d+)$/.exec(pathname)?.[1]);
  const body = await bodyOf(request);
  const header = (name: string): string | undefined => {
    const value = request.headers[`x-amz-${name}`];
    return typeof value === "string" ? value : undefined;
  };
  const number = (value: string | null | undefined): { value?: number } =>
    value === undefined || value === null ? {} : { value: Number(value) };
  const text = (name: string, value: string | null | undefined) =>
    value === undefined || value === null ? {} : { [name]: value };
  switch (`${request.method} ${pathname.replace(/\/snap-[^/]+/, "/ID").replace(/\/\d+$/, "/INDEX")}`) {
    case "POST /snapshots": {
      const params = JSON.parse(body.toString("utf8")) as StartSnapshotParams;
      return json(201, await cloud.call(region, "StartSnapshot", params));
    }
    case "POST /snapshots/completion/ID": {
      const count = number(header("changedblockscount")).value;
      return json(
        202,
        await cloud.call(region, "CompleteSnapshot", {
          SnapshotId,
          ...defined({ ChangedBlocksCount: count }),
          ...text("Checksum", header("checksum")),
          ...text("ChecksumAlgorithm", header("checksum-algorithm")),
          ...text("ChecksumAggregationMethod", header("checksum-aggregation-method")),
        }),
      );
    }
    case "PUT /snapshots/ID/blocks/INDEX": {
      const checksum = createHash("sha256").update(body).digest("base64");
      keep(blockFile(cloud.folder, checksum), body);
      const params = {
        SnapshotId,
        BlockIndex,
        DataLength: Number(header("data-length")),
        ...text("Checksum", header("checksum")),
        ...text("ChecksumAlgorithm", header("checksum-algorithm")),
        received: { bytes: body.length, checksum },
      };
      const taken = await cloud.call(region, "PutSnapshotBlock", params);
      return { status: 201, headers: checksumHeaders(taken), body: "" };
    }
    case "GET /snapshots/ID/blocks": {
      const [start, most] = ["startingBlockIndex", "maxResults"].map(
        (name) => number(searchParams.get(name)).value,
      );
      return json(
        200,
        await cloud.call(region, "ListSnapshotBlocks", {
          SnapshotId,
          ...defined({ StartingBlockIndex: start, MaxResults: most }),
          ...text("NextToken", searchParams.get("pageToken")),
        }),
      );
    }
    case "GET /snapshots/ID/blocks/INDEX": {
      const found = await cloud.call(region, "GetSnapshotBlock", {
        SnapshotId,
        BlockIndex,
        ...text("BlockToken", searchParams.get("blockToken")),
      });
      const headers = { ...checksumHeaders(found), "x-amz-data-length": found.DataLength };
      return { status: 200, headers, body: readFileSync(blockFile(cloud.folder, found.Checksum)) };
    }
    default:
      throw new AwsError("InvalidAction", `The AWS emulator does not know ${request.method} ${pathname}`);
  }
}

/** If the snapshot refuses the bytes, they stay without harm. */
function keep(file: string, bytes: Buffer): void {
  if (existsSync(file)) return;
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileAtomically(file, bytes);
}

const checksumHeaders = ({
  Checksum,
  ChecksumAlgorithm,
}: {
  Checksum: string;
  ChecksumAlgorithm: string;
}) => ({
  "x-amz-checksum": Checksum,
  "x-amz-checksum-algorithm": ChecksumAlgorithm,
});

const json = (status: number, answer: object): Reply => ({
  status,
  body: JSON.stringify(answer),
  headers: { "content-type": "application/json" },
});
