import * as pulumi from "@pulumi/pulumi";

/**
 * A required input that another resource's output is, for `up --continue-on-error`. Where that resource failed, the engine checks
 * what depends on it before it would skip it, without the inputs that it lacks; a required one that is missing ends the whole
 * run, other regions and all (pulumi/pulumi#16133). With a stand-in the check passes, and the engine skips the resource
 * because of what it depends on: so the failed one has to be in its `dependsOn` too, for a stand-in depends on nothing.
 * @param placeholder what passes the provider's check and names nothing that could be there
 */
export function placeholderIfFailed(
  value: pulumi.Output<string>,
  placeholder: string,
): pulumi.Output<string> {
  // A preview shows what is not known yet as just that.
  if (pulumi.runtime.isDryRun()) return value;
  // Pulumi's types leave it out, though every output has it.
  const { isKnown } = value as unknown as { isKnown: Promise<boolean> };
  return pulumi.output(isKnown.then((known) => (known ? value : pulumi.output(placeholder))));
}
