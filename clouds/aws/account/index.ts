/** What an AWS account needs before images are published to it: one stack per account. See docs/publishing-aws.md. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { AwsAccount } from "./aws-account.ts";
import { withPlainErrors } from "../../../components/plain-errors.ts";
import { ACCOUNT_NAMESPACE, readAccountSettings } from "./settings.ts";

const config = Object.entries(pulumi.runtime.allConfig()).filter(([key]) =>
  key.startsWith(`${ACCOUNT_NAMESPACE}:`),
);

export default () =>
  withPlainErrors(() => {
    const settings = readAccountSettings(Object.fromEntries(config));
    const { account, region } = settings;
    // Credentials come from the SDK's own chain. As the provider's inputs they would end up in state.
    const provider = new aws.Provider("aws", { region, allowedAccountIds: [account] });
    const { publisherPolicyArn, publisherRoleArn } = new AwsAccount("account", settings, {
      providers: { aws: provider },
    });
    return { publisherPolicyArn, publisherRoleArn };
  });
