/** The JSON Schema of the account's settings file, for editors. */
import { stackFileSchema } from "../../../src/configuration/stack-file-schema.ts";
import { ACCOUNT_NAMESPACE, accountSettingsSchema } from "./settings.ts";

export const accountFileSchema = stackFileSchema(ACCOUNT_NAMESPACE, accountSettingsSchema, {
  title: "AWS account",
  description: "clouds/aws/account/Pulumi.NAME.yaml",
});
