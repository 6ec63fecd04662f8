import {
  findPart,
  type Instance,
  json,
  listing,
  type MetadataHandler,
  type MetadataTree,
  namesOf,
  text,
} from "../../src/boot-test/metadata/service.ts";
import { defined } from "../../src/lib/defined.ts";

/** Every response has these headers, refusals too. */
const flavor = { "metadata-flavor": "Google", server: "Metadata Server for VM" };

/** Compute Engine's metadata server, version 1. Requests must have its Metadata-Flavor header, and must not be forwarded. */
export function gcpMetadata(instance: Instance): MetadataHandler {
  const tree = instanceTree(instance);
  return ({ method, path, query, headers }) => {
    const named = headers["metadata-flavor"];
    if (named !== "Google" || headers["x-forwarded-for"] !== undefined) {
      return text(403, "Your client does not have permission to get this URL", flavor);
    }
    const [top, version, ...names] = namesOf(path);
    if (top !== "computeMetadata" || version !== "v1") return text(404, "Not Found", flavor);
    if (method === "PUT" && isGuestAttribute(names)) return text(200, "", flavor);
    if (method !== "GET" && method !== "HEAD") return text(405, "Method Not Allowed", flavor);
    const part = findPart(tree, names);
    const hasSlash = path.endsWith("/");
    if (part === undefined || (hasSlash && typeof part !== "object")) return text(404, "Not Found", flavor);
    if (typeof part === "object" && !hasSlash) {
      const search = query.size === 0 ? "" : `?${query.toString()}`;
      return text(301, "", { ...flavor, location: `${path}/${search}` });
    }
    const isRecursive = query.get("recursive")?.toLowerCase() === "true";
    const format = query.get("alt") ?? (isRecursive ? "json" : "text");
    if (format === "json")
      return json(200, isRecursive || typeof part !== "object" ? part : Object.keys(part), flavor);
    return text(200, typeof part === "object" ? `${listing(part)}\n` : String(part), flavor);
  };
}

/** A guest attribute, which an instance may write if its metadata enables it: cloud-init publishes its SSH host keys this way. */
function isGuestAttribute([top, part, ...names]: readonly string[]): boolean {
  return top === "instance" && part === "guest-attributes" && names.length === 2;
}

function instanceTree({ hostname, id, login, sshPublicKey, userData }: Instance): MetadataTree {
  const project = "boot-test";
  const zone = "europe-west1-b";
  return {
    instance: {
      attributes: {
        "enable-guest-attributes": "TRUE",
        "ssh-keys": `${login}:${sshPublicKey}`,
        ...defined({ "user-data": userData }),
      },
      hostname: `${hostname}.${zone}.c.${project}.internal`,
      id: 4_000_800_000_000_001,
      image: `projects/${project}/global/images/${id}`,
      name: hostname,
      zone: `projects/100000000001/zones/${zone}`,
    },
    project: { attributes: {}, "numeric-project-id": 100_000_000_001, "project-id": project },
  };
}
