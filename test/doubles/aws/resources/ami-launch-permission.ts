import type * as aws from "@pulumi/aws";
import type { LaunchPermission } from "../cloud/state.ts";
import { defineResource, doing, isMissing, type Plain } from "../resource.ts";

const text = { kind: "string", replaces: true } as const;

type Args = aws.ec2.AmiLaunchPermissionArgs;
const granteeNames = ["accountId", "group", "organizationArn", "organizationalUnitArn"] as const;

export const amiLaunchPermission = defineResource<Args>({
  token: "aws:ec2/amiLaunchPermission:AmiLaunchPermission",
  properties: {
    accountId: text,
    group: { ...text, values: ["all"] },
    imageId: { ...text, required: true },
    organizationArn: text,
    organizationalUnitArn: text,
  },
  outputs: [],
  importId: idOfImport,

  check(inputs) {
    const given = granteeNames.filter((name) => inputs[name] !== undefined);
    if (given.length === 1) return [];
    return [
      { property: "", reason: `only one of \`${granteeNames.join(",")}\` can be specified, and one must be` },
    ];
  },

  async create(api, inputs, setId) {
    const id = idOf(inputs);
    await doing(`creating AMI Launch Permission (${id})`, () =>
      api.call("ModifyImageAttribute", {
        ImageId: inputs.imageId,
        LaunchPermission: { Add: [permissionOf(inputs)] },
      }),
    );
    setId(id);
  },

  async read(api, id) {
    const wanted = parse(id);
    try {
      const { LaunchPermissions } = await api.call("DescribeImageAttribute", {
        ImageId: wanted.imageId,
        Attribute: "launchPermission",
      });
      const permission = JSON.stringify(permissionOf(wanted));
      return LaunchPermissions.some((one) => JSON.stringify(one) === permission) ? { ...wanted } : undefined;
    } catch (error) {
      if (isMissing(error, "InvalidAMIID.NotFound", "InvalidAMIID.Unavailable")) return undefined;
      throw error;
    }
  },

  async delete(api, id) {
    const { imageId, ...grantee } = parse(id);
    try {
      await doing(`deleting AMI Launch Permission (${id})`, () =>
        api.call("ModifyImageAttribute", {
          ImageId: imageId,
          LaunchPermission: { Remove: [permissionOf({ imageId, ...grantee })] },
        }),
      );
    } catch (error) {
      if (!isMissing(error, "InvalidAMIID.NotFound", "InvalidAMIID.Unavailable")) throw error;
    }
  },
});

type Grant = { imageId: string } & { [Name in (typeof granteeNames)[number]]?: string };

function permissionOf(inputs: Plain<Args> | Grant): LaunchPermission {
  if (inputs.accountId) return { UserId: inputs.accountId };
  if (inputs.group) return { Group: "all" };
  if (inputs.organizationArn) return { OrganizationArn: inputs.organizationArn };
  return { OrganizationalUnitArn: inputs.organizationalUnitArn ?? "" };
}

/** `ami-…-ACCOUNT`, `ami-…-group-all`, `ami-…-org-ARN` or `ami-…-ou-ARN`. */
function idOf(inputs: Plain<Args>): string {
  const { imageId, accountId, group, organizationArn, organizationalUnitArn } = inputs;
  if (accountId) return `${imageId}-${accountId}`;
  if (group) return `${imageId}-group-${group}`;
  return organizationArn ? `${imageId}-org-${organizationArn}` : `${imageId}-ou-${organizationalUnitArn}`;
}

function parse(id: string): Grant {
  const [, imageId, kind, rest] = /^(ami-[0-9a-f]+)-(?:(group|org|ou)-)?(.+)$/.exec(id) ?? [];
  if (imageId === undefined || rest === undefined) throw new Error(`unexpected format for ID (${id})`);
  if (kind === "group") return { imageId, group: rest };
  if (kind === "org") return { imageId, organizationArn: rest };
  return kind === "ou" ? { imageId, organizationalUnitArn: rest } : { imageId, accountId: rest };
}

/** Imports name the grantee first: `GRANTEE/IMAGE-ID`. */
function idOfImport(id: string): string {
  const [, grantee = "", imageId = ""] = /^(.+)\/(ami-[^/]+)$/.exec(id) ?? [];
  if (grantee === "") {
    const shape = "[ACCOUNT-ID|GROUP-NAME|ORGANIZATION-ARN|ORGANIZATIONAL-UNIT-ARN]/IMAGE-ID";
    throw new Error(`unexpected format for ID (${id}), expected ${shape}`);
  }
  if (/^\d{12}$/.test(grantee)) return `${imageId}-${grantee}`;
  if (!grantee.startsWith("arn:")) return `${imageId}-group-${grantee}`;
  return grantee.includes(":organization/") ? `${imageId}-org-${grantee}` : `${imageId}-ou-${grantee}`;
}
