import { macAddress } from "../../src/boot-test/machine.ts";
import { guestAddress, hostAddress } from "../../src/boot-test/network.ts";
import {
  findPart,
  type Instance,
  json,
  type MetadataHandler,
  type MetadataTree,
  namesOf,
  text,
} from "../../src/boot-test/metadata/service.ts";
import { defined } from "../../src/lib/defined.ts";

/** Oracle Cloud's instance metadata service, version 2 only, as on instances that disable version 1. */
export function ociMetadata(instance: Instance): MetadataHandler {
  const tree = instanceTree(instance);
  return ({ method, path, headers }) => {
    const isForwarded = ["forwarded", "x-forwarded-for", "x-forwarded-host"].some(
      (name) => headers[name] !== undefined,
    );
    if (isForwarded) return json(403, { code: "Forbidden", message: "forwarded requests are refused" });
    const [top, version, ...names] = namesOf(path);
    if (top !== "opc" || version !== "v2") return json(404, { code: "NotFound", message: "Not Found" });
    // Oracle says that such requests are rejected, but not with which status.
    if (headers.authorization !== "Bearer Oracle") {
      return json(401, { code: "NotAuthenticated", message: "the Authorization header is missing or wrong" });
    }
    if (method !== "GET" && method !== "HEAD") {
      return json(405, { code: "MethodNotAllowed", message: "Method Not Allowed" });
    }
    const part = findPart(tree, names);
    if (part === undefined) return json(404, { code: "NotFound", message: "Not Found" });
    return typeof part === "object" ? json(200, part) : text(200, String(part));
  };
}

function instanceTree({ hostname, id, sshPublicKey, userData }: Instance): MetadataTree {
  return {
    instance: {
      availabilityDomain: "EMIr:EU-FRANKFURT-1-AD-1",
      ociAdName: "eu-frankfurt-1-ad-1",
      canonicalRegionName: "eu-frankfurt-1",
      region: "eu-frankfurt-1",
      displayName: id,
      hostname,
      id: "ocid1.instance.oc1.eu-frankfurt-1.a1b1c0de",
      shape: "VM.Standard3.Flex",
      metadata: {
        ssh_authorized_keys: sshPublicKey,
        ...defined({ user_data: userData && Buffer.from(userData).toString("base64") }),
      },
      state: "Running",
    },
    vnics: [
      {
        macAddr: macAddress,
        privateIp: guestAddress,
        subnetCidrBlock: "168.0.0.0/7",
        virtualRouterIp: hostAddress,
        vlanTag: 0,
        vnicId: "ocid1.vnic.oc1.eu-frankfurt-1.a1b1c0de",
      },
    ],
  };
}
