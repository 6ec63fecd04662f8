import { randomBytes } from "node:crypto";
import { instanceUuid, macAddress } from "../../src/boot-test/machine.ts";
import { guestAddress } from "../../src/boot-test/network.ts";
import {
  findPart,
  type Instance,
  listing,
  type MetadataHandler,
  type MetadataTree,
  namesOf,
  text,
} from "../../src/boot-test/metadata/service.ts";
import { defined } from "../../src/lib/defined.ts";

/** The versions that cloud-init requests, newest first, and Tiny Cloud's. */
const versions = ["latest", "2021-03-23", "2018-09-24", "2016-09-02", "2009-04-04"];

const maximumSeconds = 21_600;

/**
 * EC2's instance metadata service, version 2 only, as on instances whose metadata options require tokens: a guest gets
 * a token by PUT, with a lifetime, and every other request needs it.
 * @param now seconds of any clock, to measure a token's lifetime
 */
export function awsMetadata(
  instance: Instance,
  now: () => number = () => performance.now() / 1000,
): MetadataHandler {
  const tokens = new Map<string, number>();
  const tree = instanceTree(instance);

  return ({ method, path, headers }) => {
    if (path === "/latest/api/token") {
      if (method !== "PUT") return text(405, "Method Not Allowed");
      // A forwarded request does not come from the instance itself.
      if (headers["x-forwarded-for"] !== undefined) return text(403, "Forbidden");
      const asked = headers["x-aws-ec2-metadata-token-ttl-seconds"];
      const seconds = typeof asked === "string" && /^\d+$/.test(asked) ? Number(asked) : 0;
      if (seconds < 1 || seconds > maximumSeconds) return text(400, "Bad Request");
      const token = randomBytes(40).toString("base64url");
      tokens.set(token, now() + seconds);
      return text(200, token, { "x-aws-ec2-metadata-token-ttl-seconds": String(seconds) });
    }
    if (method !== "GET" && method !== "HEAD") return text(405, "Method Not Allowed");
    const token = headers["x-aws-ec2-metadata-token"];
    const expiry = typeof token === "string" ? tokens.get(token) : undefined;
    if (expiry === undefined || expiry < now()) return text(401, "Unauthorized");

    const [version, ...names] = namesOf(path);
    if (version === undefined) return text(200, versions.join("\n"));
    if (!versions.includes(version)) return text(404, "Not Found");
    const part = findPart(tree, names);
    if (part === undefined) return text(404, "Not Found");
    if (typeof part !== "object") return text(200, String(part));
    // Keys are listed with the names they were uploaded under.
    return text(200, names.at(-1) === "public-keys" ? "0=boot-test" : listing(part));
  };
}

function instanceTree({ id, hostname, sshPublicKey, userData }: Instance): MetadataTree {
  const instanceId = `i-${instanceUuid.replaceAll("-", "").slice(0, 17)}`;
  const fullName = `${hostname}.ec2.internal`;
  return {
    "meta-data": {
      "ami-id": id,
      "ami-launch-index": "0",
      "instance-id": instanceId,
      "instance-type": "m7i.large",
      hostname: fullName,
      "local-hostname": fullName,
      "local-ipv4": guestAddress,
      mac: macAddress,
      placement: { "availability-zone": "us-east-1a", region: "us-east-1" },
      "public-keys": { 0: { "openssh-key": sshPublicKey } },
      network: {
        interfaces: {
          macs: {
            [macAddress]: {
              "device-number": "0",
              mac: macAddress,
              "local-hostname": fullName,
              "local-ipv4s": guestAddress,
              "subnet-ipv4-cidr-block": "168.0.0.0/7",
              "vpc-id": "vpc-a1b1c0de",
            },
          },
        },
      },
    },
    dynamic: {
      "instance-identity": {
        document: JSON.stringify({ instanceId, region: "us-east-1", version: "2017-09-30" }),
      },
    },
    ...defined({ "user-data": userData }),
  };
}
