/** A file to S3, in parts that S3 checks, going on from what an interrupted upload has left there. */
import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  type ListPartsCommandOutput,
  type MultipartUpload,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type { Progress } from "../../../src/builder/progress.ts";
import { defined } from "../../../src/lib/defined.ts";
import { UserError } from "../../../src/lib/user-error.ts";
import { codesOf } from "./errors.ts";
import { compositeChecksum, type FilePart, readParts } from "./file-parts.ts";
import { inParallel } from "../../../src/lib/parallel.ts";

/** Each holds a part of 8 MiB in memory. */
const parallelParts = 4;
/** An upload of an image's other content that began longer ago is nobody's any more. */
const abandonedAfterMilliseconds = 24 * 60 * 60 * 1000;
/** How often others, of the same content, may come in between before this upload gives up. */
const maximumRounds = 4;

export interface FileUpload {
  client: S3Client;
  bucket: string;
  /** It names the content: an object that is there already is this content, or an error. */
  key: string;
  /** What keys of the same image begin with, whatever its content. */
  keyPrefix: string;
  file: string;
  sha512: string;
  progress: Progress;
}

/** An object that was found to be the file. */
export interface UploadedObject {
  bytes: number;
  etag: string;
  /** Where the bucket keeps versions. */
  version?: string;
}

/**
 * Brings the file to its key. Nothing is sent that S3 has already.
 * @throws UserError when other content is under the key, or the file is not what its checksum says; errors of S3
 */
export async function uploadFile(upload: FileUpload): Promise<UploadedObject> {
  for (let round = 1; ; round += 1) {
    const unfinished = await listUploads(upload);
    try {
      const object = (await findWhole(upload)) ?? (await sendFile(upload, unfinished));
      for (const { Key, UploadId } of uselessUploads(await listUploads(upload), upload.key, Date.now())) {
        await upload.client.send(
          new AbortMultipartUploadCommand({ Bucket: upload.bucket, Key: Key, UploadId }),
        );
      }
      return object;
    } catch (error) {
      if (!isOvertaken(error) || round === maximumRounds) throw error;
      upload.progress.note("somebody else uploads the same: looking again");
    }
  }
}

/** Somebody else has ended the upload, or was first: the object is there now, or the upload can be begun anew. */
function isOvertaken(error: unknown): boolean {
  const codes = ["NoSuchUpload", "PreconditionFailed", "ConditionalRequestConflict"];
  return codesOf(error).some((code) => codes.includes(code));
}

/** The object, where it is there already and is the file. */
async function findWhole(upload: FileUpload): Promise<UploadedObject | undefined> {
  const head = await headObject(upload);
  if (head === undefined) return undefined;
  const { size } = statSync(upload.file);
  const sha256s: string[] = [];
  for await (const { sha256, release } of readParts(upload.file, size)) {
    sha256s.push(sha256);
    release();
  }
  if (!isFile(head, size, sha256s)) {
    throw new UserError(
      "aws-object-foreign",
      `s3://${upload.bucket}/${upload.key} is there and is not ${upload.file}, though its name says so ` +
        `(${head.ContentLength} bytes, SHA-256 ${head.ChecksumSHA256 ?? "unknown"})`,
      "find out who put it there, remove it, and run it again",
      { where: `s3://${upload.bucket}/${upload.key}` },
    );
  }
  upload.progress.phase("already in S3, nothing to send", 100);
  return uploaded(head);
}

async function headObject({ client, bucket, key }: FileUpload): Promise<HeadObjectCommandOutput | undefined> {
  try {
    return await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key, ChecksumMode: "ENABLED" }));
  } catch (error) {
    if (codesOf(error).includes("404")) return undefined;
    throw error;
  }
}

function isFile(head: HeadObjectCommandOutput, size: number, sha256s: readonly string[]): boolean {
  // S3 says how many parts there are behind the checksum, `…=-12`, and leaves that out elsewhere.
  const composite = head.ChecksumSHA256?.replace(/-\d+$/, "");
  return head.ContentLength === size && composite === compositeChecksum(sha256s);
}

function uploaded(head: HeadObjectCommandOutput): UploadedObject {
  const { ContentLength: bytes = 0, ETag: etag = "", VersionId: version } = head;
  return { bytes, etag, ...defined({ version }) };
}

/** Sends the parts that are not there yet, and makes the object of them. */
async function sendFile(upload: FileUpload, unfinished: readonly MultipartUpload[]): Promise<UploadedObject> {
  const { client, bucket, key, file, sha512 } = upload;
  const { size } = statSync(file);
  const uploadId = resumable(unfinished, key)?.UploadId ?? (await beginUpload(upload));
  const target = { Bucket: bucket, Key: key, UploadId: uploadId };
  const there = await listParts(upload, uploadId);
  const whole = createHash("sha512");
  const sha256s: string[] = [];
  const etags: string[] = [];
  const report = reporter(upload.progress, size);
  await inParallel(parallelParts, readParts(file, size, whole), async (part) => {
    const { number, bytes, sha256 } = part;
    sha256s[number - 1] = sha256;
    const known = there.get(number);
    const isThere = known !== undefined && known.sha256 === sha256 && known.size === bytes.length;
    etags[number - 1] = isThere ? known.etag : await sendPart(client, target, part);
    report(bytes.length, isThere);
    part.release();
  });
  if (whole.digest("hex") !== sha512) {
    await client.send(new AbortMultipartUploadCommand(target));
    throw new UserError("image-changed", `${file} changed while it was uploaded`, "build it again", {
      where: file,
    });
  }
  await client.send(
    new CompleteMultipartUploadCommand({
      ...target,
      // Never over an object that came in the meantime.
      IfNoneMatch: "*",
      MpuObjectSize: size,
      MultipartUpload: {
        Parts: sha256s.map((sha256, index) => ({
          PartNumber: index + 1,
          ChecksumSHA256: sha256,
          ...defined({ ETag: etags[index] }),
        })),
      },
    }),
  );
  const head = await headObject(upload);
  if (head !== undefined && isFile(head, size, sha256s)) return uploaded(head);
  await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
  throw new UserError(
    "aws-data-damaged",
    `s3://${bucket}/${key} did not come out as what was sent (SHA-256 ${head?.ChecksumSHA256 ?? "unknown"}), and was removed`,
    "run it again; if it stays so, the bucket's server cannot be trusted with it",
    { where: `s3://${bucket}/${key}` },
  );
}

async function beginUpload({ client, bucket, key, sha512 }: FileUpload): Promise<string> {
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({
      Bucket: bucket,
      Key: key,
      ContentType: "application/octet-stream",
      ChecksumAlgorithm: "SHA256",
      ChecksumType: "COMPOSITE",
      Metadata: { sha512 },
    }),
  );
  if (UploadId === undefined) throw new Error("S3 began an upload without an id");
  return UploadId;
}

/** @returns the part's ETag */
async function sendPart(
  client: S3Client,
  target: { Bucket: string; Key: string; UploadId: string },
  { number, bytes, sha256 }: FilePart,
): Promise<string> {
  const { ETag, ChecksumSHA256 } = await client.send(
    new UploadPartCommand({
      ...target,
      PartNumber: number,
      Body: bytes,
      ChecksumAlgorithm: "SHA256",
      ChecksumSHA256: sha256,
    }),
  );
  if (ETag === undefined || ChecksumSHA256 !== sha256) {
    throw new UserError(
      "aws-data-damaged",
      `S3 took part ${number} of ${target.Key} for something else (SHA-256 ${ChecksumSHA256 ?? "not said"} and not ${sha256})`,
      "run it again; if it stays so, the bucket's server cannot be trusted with it",
      { where: `s3://${target.Bucket}/${target.Key}` },
    );
  }
  return ETag;
}

/** A line for each tenth of the way, and what did not have to be sent. */
function reporter(progress: Progress, size: number): (bytes: number, isThere: boolean) => void {
  let [done, kept, tenths] = [0, 0, -1];
  const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
  return (bytes, isThere) => {
    done += bytes;
    if (isThere) kept += bytes;
    const reached = Math.floor((done * 10) / size);
    if (reached === tenths) return;
    tenths = reached;
    const were = kept === 0 ? "" : `, ${mib(kept)} MiB were there`;
    progress.phase(`upload: ${mib(done)} of ${mib(size)} MiB${were}`, Math.floor((done * 100) / size));
  };
}

/** Unfinished uploads of the image. A killed run leaves one, and it costs money until it is ended. */
async function listUploads({ client, bucket, keyPrefix }: FileUpload): Promise<MultipartUpload[]> {
  const answer = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: keyPrefix }));
  return answer.Uploads ?? [];
}

/** The newest one of that content, if its parts have the checksums that they are known by. */
export function resumable(uploads: readonly MultipartUpload[], key: string): MultipartUpload | undefined {
  return uploads
    .filter((upload) => upload.Key === key && upload.ChecksumAlgorithm === "SHA256")
    .sort((a, b) => begun(b) - begun(a))[0];
}

/** Once the object is whole: all others of that content, and those of other content that nobody goes on with. */
export function uselessUploads(
  uploads: readonly MultipartUpload[],
  key: string,
  now: number,
): MultipartUpload[] {
  return uploads.filter((upload) => upload.Key === key || now - begun(upload) > abandonedAfterMilliseconds);
}

function begun(upload: MultipartUpload): number {
  return upload.Initiated?.getTime() ?? Date.now();
}

interface StoredPart {
  etag: string;
  size: number;
  sha256: string;
}

async function listParts(
  { client, bucket, key }: FileUpload,
  UploadId: string,
): Promise<Map<number, StoredPart>> {
  const parts = new Map<number, StoredPart>();
  const target = { Bucket: bucket, Key: key, UploadId };
  let page: ListPartsCommandOutput | undefined;
  // The SDK's paginator does not look at IsTruncated, and begins again and again.
  do {
    const marker = page?.NextPartNumberMarker;
    page = await client.send(new ListPartsCommand({ ...target, ...defined({ PartNumberMarker: marker }) }));
    for (const { PartNumber, ETag, Size, ChecksumSHA256 } of page.Parts ?? []) {
      if (PartNumber === undefined || ETag === undefined || ChecksumSHA256 === undefined) continue;
      parts.set(PartNumber, { etag: ETag, size: Size ?? 0, sha256: ChecksumSHA256 });
    }
  } while (page.IsTruncated === true);
  return parts;
}
