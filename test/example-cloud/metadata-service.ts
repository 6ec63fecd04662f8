/** The metadata service of the example cloud: a token by PUT first, then a tree of texts. */
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

const token = "example-token";

export function exampleMetadata({ id, hostname, sshPublicKey, userData }: Instance): MetadataHandler {
  const tree: MetadataTree = {
    "meta-data": {
      "instance-id": id,
      hostname,
      "local-hostname": hostname,
      "public-keys": { 0: { "openssh-key": sshPublicKey } },
    },
    ...defined({ "user-data": userData }),
  };
  return ({ method, path, headers }) => {
    const [version, ...names] = namesOf(path);
    if (version === "latest" && names.join("/") === "api/token") {
      return method === "PUT" ? text(200, token) : text(405, "Method Not Allowed");
    }
    if (headers["x-aws-ec2-metadata-token"] !== token) return text(401, "Unauthorized");
    const part = version === "latest" ? findPart(tree, names) : undefined;
    if (part === undefined) return text(404, "Not Found");
    if (typeof part !== "object") return text(200, String(part));
    return text(200, names.at(-1) === "public-keys" ? "0=boot-test" : listing(part));
  };
}
