import * as pulumi from "@pulumi/pulumi";

/**
 * A required input that is another resource's output, for `up --continue-on-error`. If that resource fails, the engine
 * still checks its dependents before it skips them, without the missing inputs. A missing required input then ends the
 * whole run, including other regions (pulumi/pulumi#16133). With a placeholder the check passes, and the engine skips
 * the dependent. The placeholder depends on nothing, so the dependent must also name the resource in its `dependsOn`.
 * @param placeholder a value that passes the provider's check but names nothing that can exist
 */
export function placeholderIfFailed(
  value: pulumi.Output<string>,
  placeholder: string,
): pulumi.Output<string> {
  // At preview, unknown values stay unknown.
  if (pulumi.runtime.isDryRun()) return value;
  // Every output has it, although Pulumi's types leave it out.
  const { isKnown } = value as unknown as { isKnown: Promise<boolean> };
  return pulumi.output(isKnown.then((known) => (known ? value : pulumi.output(placeholder))));
}
