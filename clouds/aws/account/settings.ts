/** The settings of an account's stack, and their only defaults. */
import { z } from "zod";
import { check, plainSource } from "../../../src/configuration/source.ts";

/** The Pulumi project's name, and so the namespace of its settings. */
export const ACCOUNT_NAMESPACE = "alpine-aws-account";

const account = z.string().regex(/^\d{12}$/, { error: "expected an account's twelve digits, quoted" });
const region = z.string().min(1);

export const accountSettingsSchema = z.strictObject({
  account: account.describe("The account's id; credentials of any other account are refused"),
  region: region.describe("Home region: where the bucket is and images are imported"),
  bucket: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, { error: "expected a bucket's name" })
    .optional()
    .describe(
      "Name of the bucket that images are imported from; if left out, neither bucket nor role is created",
    ),
  role: z
    .string()
    .min(1)
    .default("vmimport")
    .describe("Name of the role that VM Import reads the bucket with"),
  uploadDays: z
    .int()
    .min(1)
    .default(30)
    .describe("Days after which an uploaded disk is deleted; it is not needed after its import"),
  direct: z.boolean().default(false).describe("Whether the publisher may write snapshots with EBS direct"),
  parameterPrefix: z
    .string()
    .regex(/^(\/[\w.-]+)+$/, { error: "expected a path such as /alpine" })
    .default("/alpine")
    .describe("Path of the parameters that the publisher may write, as in the stacks' aws.parameterPrefix"),
  kmsKeys: z
    .array(z.string().regex(/^arn:aws[\w-]*:kms:/, { error: "expected a key's ARN" }))
    .default([])
    .describe("ARNs of the KMS keys that images are encrypted with"),
  publisher: z
    .strictObject({
      name: z.string().min(1).default("alpine-publisher").describe("Name of the publisher's policy and role"),
      principals: z
        .array(
          z.string().regex(/^arn:aws[\w-]*:(iam|sts)::\d{12}:/, { error: "expected a user's or role's ARN" }),
        )
        .default([])
        .describe("ARNs of the users and roles that may assume the role"),
      oidc: z
        .strictObject({
          url: z.string().regex(/^https:\/\/[^/]+(\/[^/]+)*$/, {
            error: "expected https://HOST, without a trailing slash",
          }),
          audience: z.string().min(1).default("sts.amazonaws.com"),
          subjects: z
            .array(
              z
                .string()
                .refine((one) => !/^\*+$/.test(one), { error: "would let every pipeline assume the role" }),
            )
            .min(1),
        })
        .optional()
        .describe("Pipelines that may assume the role: their OIDC issuer, and patterns of their `sub`"),
      managesBlocking: z
        .boolean()
        .default(false)
        .describe(
          "Whether the publisher may change block public access, for stacks with aws.blockPublicAccess: off",
        ),
    })
    .prefault({}),
  blockPublicAccess: z
    .strictObject({
      regions: z.array(region).default([]),
      state: z
        .enum(["unblocked", "block-new-sharing"])
        .default("block-new-sharing")
        .describe("block-new-sharing keeps the images and snapshots of a testing account private"),
    })
    .prefault({})
    .describe("Regions in which this stack declares block public access for images and snapshots"),
});

export type AccountSettings = z.output<typeof accountSettingsSchema>;

/**
 * Reads the settings from Pulumi's raw config values: strings as they are, anything else as JSON.
 * @throws ConfigError that lists all mistakes
 */
export function readAccountSettings(raw: Readonly<Record<string, string>>): AccountSettings {
  const { properties = {} } = z.toJSONSchema(accountSettingsSchema, { io: "input" });
  const data = Object.entries(raw).map(([key, text]): [string, unknown] => {
    const name = key.split(":").at(-1)!;
    // Account ids are strings: as a number, an id with a leading zero would change.
    const isText = (properties[name] as { type?: string } | undefined)?.type === "string";
    return [name, isText ? text : fromJson(text)];
  });
  return check(accountSettingsSchema, plainSource("the account's settings", Object.fromEntries(data)));
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
