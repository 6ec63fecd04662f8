import * as pulumi from "@pulumi/pulumi";
import { UserError } from "../src/lib/user-error.ts";

/** Runs `work`; what a person can do something about ends the program with its message alone, as Pulumi's RunError. */
export function withPlainErrors<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof UserError || pulumi.InputPropertyError.isInstance(error)) {
      throw new pulumi.RunError(error.message);
    }
    throw error;
  }
}
