import { instanceUuid, macAddress } from "../../src/boot-test/machine.ts";
import { guestAddress } from "../../src/boot-test/network.ts";
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

/** The versions that Tiny Cloud (2021-05-01) and cloud-init (2021-08-01, else 2019-06-01) ask for, and the oldest one. */
const versions = ["2017-04-02", "2019-06-01", "2021-01-01", "2021-05-01", "2021-08-01"];
/** The first version that provides user data. */
const userDataVersion = "2021-01-01";

/** Azure's instance metadata service. Every request must have a Metadata header and name an API version. */
export function azureMetadata(instance: Instance): MetadataHandler {
  const mistake = (error: string, more: object = {}): ReturnType<MetadataHandler> =>
    json(400, { error, ...more });
  return ({ method, path, query, headers }) => {
    if (headers["x-forwarded-for"] !== undefined) {
      return mistake("Bad request. X-Forwarded-For headers are not allowed");
    }
    if (String(headers.metadata).toLowerCase() !== "true") {
      return mistake("Bad request. Required metadata header not specified");
    }
    const names = namesOf(path);
    if (names[0] !== "metadata" || names[1] !== "instance") return json(404, { error: "Not found" });
    if (method !== "GET") return json(405, { error: "Method not allowed" });
    const version = query.get("api-version");
    if (version === null || !versions.includes(version)) {
      return mistake("Bad request. api-version is invalid or was not specified in the request.", {
        "newest-versions": versions.slice(-3).reverse(),
      });
    }
    const tree = instanceTree(instance, version, query.get("extended") === "true");
    const part = findPart(tree, names.slice(2));
    if (part === undefined) return json(404, { error: "Not found" });
    const format = query.get("format") ?? "json";
    if (format === "text") return text(200, typeof part === "object" ? listing(part) : String(part));
    // A single value has no JSON form: JSON is only for nodes with children.
    if (format !== "json" || typeof part !== "object") {
      return mistake("Bad request. The requested node does not support the requested format.");
    }
    return json(200, part);
  };
}

function instanceTree(instance: Instance, version: string, isExtended: boolean): MetadataTree {
  const { hostname, id, login, sshPublicKey, userData } = instance;
  return {
    compute: {
      azEnvironment: "AzurePublicCloud",
      location: "westeurope",
      name: hostname,
      osType: "Linux",
      osProfile: {
        adminUsername: login,
        computerName: hostname,
        disablePasswordAuthentication: "true",
      },
      publicKeys: [{ keyData: sshPublicKey, path: `/home/${login}/.ssh/authorized_keys` }],
      resourceGroupName: id,
      ...(userData !== undefined && version >= userDataVersion
        ? { userData: Buffer.from(userData).toString("base64") }
        : {}),
      vmId: instanceUuid,
      vmSize: "Standard_D2s_v5",
    },
    network: {
      interface: [
        {
          ipv4: {
            ipAddress: [{ privateIpAddress: guestAddress, publicIpAddress: "" }],
            subnet: [{ address: "168.0.0.0", prefix: "7" }],
          },
          ipv6: { ipAddress: [] },
          macAddress: macAddress.replaceAll(":", "").toUpperCase(),
        },
      ],
    },
    ...(isExtended ? { extended: { compute: { hasCustomData: false, ppsType: "None" } } } : {}),
  };
}

/** The address of Azure's wireserver. */
export const wireserverAddress = "168.63.129.16";

const wireVersion = "2012-11-30";

/**
 * Azure's wireserver, to which a virtual machine reports that it is up: cloud-init gets its goal state, and reports its health.
 */
export function azureWireserver({ id }: Instance): MetadataHandler {
  return ({ method, path, query, headers }) => {
    const component = query.get("comp");
    const names = namesOf(path).join("/");
    if (method === "GET" && names === "" && component === "versions") {
      return xml(
        `<Versions><Preferred><Version>${wireVersion}</Version></Preferred><Supported><Version>${wireVersion}</Version></Supported></Versions>`,
      );
    }
    if (names !== "machine") return text(404, "Not Found");
    if (headers["x-ms-version"] !== wireVersion) return text(400, "x-ms-version is missing or not supported");
    if (method === "GET" && component === "goalstate") {
      return xml(
        `<GoalState><Version>${wireVersion}</Version><Incarnation>1</Incarnation><Machine><ExpectedState>Started</ExpectedState></Machine>` +
          `<Container><ContainerId>${instanceUuid}</ContainerId><RoleInstanceList><RoleInstance>` +
          `<InstanceId>_${id}</InstanceId><State>Started</State></RoleInstance></RoleInstanceList></Container></GoalState>`,
      );
    }
    if (method === "POST" && component === "health") return text(200, "");
    return text(400, "Bad Request");
  };
}

function xml(content: string): ReturnType<MetadataHandler> {
  const headers = { "content-type": "text/xml; charset=utf-8" };
  return { status: 200, headers, body: `<?xml version="1.0" encoding="utf-8"?>${content}` };
}
