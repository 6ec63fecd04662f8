/** Recognises S3's calls from requests. The emulator passes them on to a real server, and names them in faults and log. */

export const objectActions = [
  ...(["ListBuckets", "CreateBucket", "DeleteBucket", "HeadBucket", "GetBucketLocation"] as const),
  ...(["ListObjectsV2", "ListMultipartUploads", "DeleteObjects"] as const),
  ...(["PutObject", "CopyObject", "HeadObject", "GetObject", "GetObjectAttributes", "DeleteObject"] as const),
  ...(["PutObjectTagging", "GetObjectTagging", "DeleteObjectTagging"] as const),
  ...(["CreateMultipartUpload", "UploadPart", "UploadPartCopy", "CompleteMultipartUpload"] as const),
  ...(["AbortMultipartUpload", "ListParts"] as const),
];

export type ObjectAction = (typeof objectActions)[number];

export interface ObjectCall {
  action: ObjectAction;
  params: { Bucket?: string; Key?: string; PartNumber?: number };
}

/**
 * Method, whether the path has a bucket or a key, and the query parameter or header that tells calls apart. The first
 * match counts.
 */
const rules: [method: string, of: "service" | "bucket" | "object", mark: string | undefined, ObjectAction][] =
  [
    ["GET", "service", undefined, "ListBuckets"],
    ["GET", "bucket", "location", "GetBucketLocation"],
    ["GET", "bucket", "uploads", "ListMultipartUploads"],
    ["GET", "bucket", "list-type", "ListObjectsV2"],
    ["PUT", "bucket", undefined, "CreateBucket"],
    ["HEAD", "bucket", undefined, "HeadBucket"],
    ["DELETE", "bucket", undefined, "DeleteBucket"],
    ["POST", "bucket", "delete", "DeleteObjects"],
    ["GET", "object", "uploadId", "ListParts"],
    ["GET", "object", "tagging", "GetObjectTagging"],
    ["GET", "object", "attributes", "GetObjectAttributes"],
    ["GET", "object", undefined, "GetObject"],
    ["HEAD", "object", undefined, "HeadObject"],
    ["PUT", "object", "tagging", "PutObjectTagging"],
    ["DELETE", "object", "uploadId", "AbortMultipartUpload"],
    ["DELETE", "object", "tagging", "DeleteObjectTagging"],
    ["DELETE", "object", undefined, "DeleteObject"],
    ["POST", "object", "uploads", "CreateMultipartUpload"],
    ["POST", "object", "uploadId", "CompleteMultipartUpload"],
  ];

/** The call of a request with the bucket in its path. Undefined for calls that this project does not make. */
export function objectCallOf(method: string, target: string, isCopy: boolean): ObjectCall | undefined {
  const { pathname, searchParams } = new URL(target, "http://s3");
  const [, bucket = "", ...rest] = pathname.split("/").map(decodeURIComponent);
  const key = rest.join("/");
  const params = { ...(bucket === "" ? {} : { Bucket: bucket }), ...(key === "" ? {} : { Key: key }) };
  if (method === "PUT" && key !== "" && !searchParams.has("tagging")) {
    const part = searchParams.get("partNumber");
    if (part === null) return { action: isCopy ? "CopyObject" : "PutObject", params };
    return {
      action: isCopy ? "UploadPartCopy" : "UploadPart",
      params: { ...params, PartNumber: Number(part) },
    };
  }
  const of = bucket === "" ? "service" : key === "" ? "bucket" : "object";
  const found = rules.find(
    ([wanted, what, mark]) =>
      wanted === method && what === of && (mark === undefined || searchParams.has(mark)),
  );
  return found === undefined ? undefined : { action: found[3], params };
}
