/** Uploads a file to S3 in parts that S3 checks, and resumes an interrupted upload. */
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
/** An unfinished upload of other content of the image counts as abandoned after this time. */
const abandonedAfterMilliseconds = 24 * 60 * 60 * 1000;
/** How often a concurrent upload of the same content may interfere before this one gives up. */
const maximumRounds = 4;

export interface FileUpload {
  client: S3Client;
  bucket: string;
  /** It names the content, so an existing object with other content is an error. */
  key: string;
  /** The common prefix of the image's keys, whatever its content. */
  keyPrefix: string;
  file: string;
  sha512: string;
  progress: Progress;
}

/** An object whose content was verified to be the file's. */
export interface UploadedObject {
  bytes: number;
  etag: string;
  /** Only if the bucket keeps versions. */
  version?: string;
}

/**
 * Uploads the file to its key. Parts that S3 already has are not sent again.
 * @throws UserError if the key has other content, or the file does not match its checksum; errors of S3
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
      upload.progress.note("another run is uploading the same file: checking again");
    }
  }
}

/** Another run ended the upload, or finished first: either the object now exists, or the upload can start again. */
function isOvertaken(error: unknown): boolean {
  const codes = ["NoSuchUpload", "PreconditionFailed", "ConditionalRequestConflict"];
  return codesOf(error).some((code) => codes.includes(code));
}

/** The object, if it exists. Fails if it is not the file. */
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
      `s3://${upload.bucket}/${upload.key} exists with other content than ${upload.file}, though its name says otherwise ` +
        `(${head.ContentLength} bytes, SHA-256 ${head.ChecksumSHA256 ?? "unknown"})`,
      "find out who created it, remove it, and run it again",
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
  // Only in some responses does S3 append the number of parts to the checksum: `…=-12`.
  const composite = head.ChecksumSHA256?.replace(/-\d+$/, "");
  return head.ContentLength === size && composite === compositeChecksum(sha256s);
}

function uploaded(head: HeadObjectCommandOutput): UploadedObject {
  const { ContentLength: bytes = 0, ETag: etag = "", VersionId: version } = head;
  return { bytes, etag, ...defined({ version }) };
}

/** Sends the parts that S3 lacks, and completes the object. */
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
      // Never overwrite an object that was created in the meantime.
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
    `s3://${bucket}/${key} differs from what was sent (SHA-256 ${head?.ChecksumSHA256 ?? "unknown"}), and was removed`,
    "run it again; if it keeps failing, do not trust the bucket's server",
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
      `S3 received part ${number} of ${target.Key} corrupted (SHA-256 ${ChecksumSHA256 ?? "unknown"}, expected ${sha256})`,
      "run it again; if it keeps failing, do not trust the bucket's server",
      { where: `s3://${target.Bucket}/${target.Key}` },
    );
  }
  return ETag;
}

/** Reports each tenth of the upload, and how much did not have to be sent. */
function reporter(progress: Progress, size: number): (bytes: number, isThere: boolean) => void {
  let [done, kept, tenths] = [0, 0, -1];
  const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
  return (bytes, isThere) => {
    done += bytes;
    if (isThere) kept += bytes;
    const reached = Math.floor((done * 10) / size);
    if (reached === tenths) return;
    tenths = reached;
    const were = kept === 0 ? "" : `, ${mib(kept)} MiB already in S3`;
    progress.phase(`upload: ${mib(done)} of ${mib(size)} MiB${were}`, Math.floor((done * 100) / size));
  };
}

/** The image's unfinished uploads. A killed run leaves one, which costs money until it is aborted. */
async function listUploads({ client, bucket, keyPrefix }: FileUpload): Promise<MultipartUpload[]> {
  const answer = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: keyPrefix }));
  return answer.Uploads ?? [];
}

/** The newest upload of this key whose parts have SHA-256 checksums, by which they are recognised. */
export function resumable(uploads: readonly MultipartUpload[], key: string): MultipartUpload | undefined {
  return uploads
    .filter((upload) => upload.Key === key && upload.ChecksumAlgorithm === "SHA256")
    .sort((a, b) => begun(b) - begun(a))[0];
}

/** Uploads to abort once the object is complete: all of the same content, and abandoned ones of other content. */
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
  // The SDK's paginator ignores IsTruncated, and starts over endlessly.
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
