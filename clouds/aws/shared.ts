import { Provider } from "@pulumi/aws/provider.js";
import type * as pulumi from "@pulumi/pulumi";
import type { StackSettings } from "../../src/configuration/settings.ts";
import { type DeclaredImage, hasReached } from "../../src/configuration/variant.ts";
import { AwsPublicAccess } from "./public-access.ts";
import type { PublicAccess } from "../cloud.ts";

/** What a stack's images share on AWS. */
export interface AwsStack {
  /** For the images, and what points to them; none where no image is brought to AWS. */
  providers: pulumi.ProviderResource[];
  publicAccess: PublicAccess;
}

/**
 * Declares what a stack's images share on AWS. One provider serves all regions, for AWS's resources name their own; its
 * credentials are the ambient ones, as inputs they would be in the stack's state.
 * @param preflight looks at the account before anything is created in it
 */
export function declareAws(
  images: readonly DeclaredImage[],
  settings: StackSettings,
  preflight?: pulumi.ResourceHook,
): AwsStack {
  const { region, accounts, blockPublicAccess } = settings.aws;
  const isUsed = images.some(
    ({ variant, state }) => variant.cloud === "aws" && hasReached(state, settings.stage, "import"),
  );
  // Without a region nothing can be imported, which each image says for itself.
  if (!isUsed || region === "") return { providers: [], publicAccess: {} };
  const provider = new Provider("aws", {
    region,
    ...(accounts.length === 0 ? {} : { allowedAccountIds: accounts }),
  });
  if (blockPublicAccess === "unmanaged") return { providers: [provider], publicAccess: {} };
  const opts = { providers: [provider] };
  const { regions } = new AwsPublicAccess("public-access", { images, settings, preflight }, opts);
  return { providers: [provider], publicAccess: regions };
}
