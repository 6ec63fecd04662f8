import * as pulumi from "@pulumi/pulumi";
import { UserError } from "../src/lib/user-error.ts";

/** Runs a program. An error that the user can correct ends it with only its message, as Pulumi's RunError. */
export async function withPlainErrors<T>(program: () => T | Promise<T>): Promise<T> {
  try {
    return await program();
  } catch (error) {
    if (error instanceof UserError || pulumi.InputPropertyError.isInstance(error)) {
      throw new pulumi.RunError(error.message);
    }
    if (pulumi.InputPropertiesError.isInstance(error)) {
      throw new pulumi.RunError(error.errors.map(({ reason }) => reason).join("\n"));
    }
    throw error;
  }
}
