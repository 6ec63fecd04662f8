import { Provider } from "@pulumi/aws/provider.js";
import type { CloudShared, SharedArgs } from "../cloud.ts";
import type { AwsSettings } from "./options.ts";
import { AwsPublicAccess } from "./public-access.ts";

/**
 * Declares what a stack's images share on AWS. One provider serves all regions, because each resource names its own.
 * The provider uses the ambient credentials: as inputs they would be in the stack's state.
 */
export function declareShared({ images, ceiling, settings, preflight }: SharedArgs): CloudShared | undefined {
  const { region, accounts, blockPublicAccess } = settings as AwsSettings;
  // Without a region nothing can be imported, which `validate` reports for each image.
  if (region === "") return undefined;
  const provider = new Provider("aws", {
    region,
    ...(accounts.length === 0 ? {} : { allowedAccountIds: accounts }),
  });
  const providers = [provider];
  if (blockPublicAccess === "unmanaged") return { providers, publicAccess: {} };
  const { regions } = new AwsPublicAccess("public-access", { images, ceiling, preflight }, { providers });
  return { providers, publicAccess: regions };
}
