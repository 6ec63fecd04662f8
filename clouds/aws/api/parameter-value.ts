import type { SSMClient } from "@aws-sdk/client-ssm";

/** A parameter's value. Undefined if the parameter does not exist. */
export async function parameterValue(client: SSMClient, name: string): Promise<string | undefined> {
  const { GetParameterCommand, ParameterNotFound } = await import("@aws-sdk/client-ssm");
  try {
    const { Parameter } = await client.send(new GetParameterCommand({ Name: name }));
    return Parameter?.Value;
  } catch (error) {
    if (error instanceof ParameterNotFound) return undefined;
    throw error;
  }
}
