/**
 * Recovers channels' parameters that a run has written but no state knows. People read them, so they are never deleted. If
 * a parameter names an image that the state knows, it is added to the state, and the refresh that follows completes it.
 */
import { setTimeout } from "node:timers/promises";
import type { SSMClient } from "@aws-sdk/client-ssm";
import { releaseLines } from "../../../src/configuration/release-lines.ts";
import { awsSettingsOf } from "../options.ts";
import type { StackSettings } from "../../../src/configuration/settings.ts";
import type { DeclaredImage } from "../../../src/configuration/variant.ts";
import { ssmClient } from "../api/clients.ts";
import { forEachRegion } from "../../../src/lib/for-each-region.ts";
import { withAwsErrors } from "../api/errors.ts";
import { parameterValue } from "../api/parameter-value.ts";
import { awsProviderType, channelTypes, resourceTypes } from "../resource-types.ts";
import { regionalName } from "../resource-names.ts";
import type { OwnedResources } from "./owned-resources.ts";
import type { StateResource } from "../../../src/stacks/state.ts";

/** What was found. */
export interface Adopted {
  entries: StateResource[];
  /** One sentence each. */
  leftAlone: string[];
}

/**
 * Finds parameters to add to a state. The stage of a line's images does not matter, because it may have been lowered since.
 * @param ours ids of the AMIs that the state knows, and regions that can be queried
 */
export async function adoptChannels(
  declared: readonly DeclaredImage[],
  settings: Pick<StackSettings, "clouds">,
  resources: readonly StateResource[],
  { recorded, regions }: Pick<OwnedResources, "recorded" | "regions">,
): Promise<Adopted> {
  const aws = awsSettingsOf(settings);
  const adopted: Adopted = { entries: [], leftAlone: [] };
  const provider = resources.find(({ type }) => type === awsProviderType);
  const onAws = declared.filter(({ variant }) => variant.cloud === "aws");
  const released = onAws.map((image) => ({
    ...image,
    state: { ...image.state, stage: "release" as const },
  }));
  const missing = releaseLines(released, "release").flatMap((line) => {
    const parent = resources.find(
      ({ urn, type }) => channelTypes.includes(type) && urn.endsWith(`::${line.key}`),
    );
    if (parent === undefined || provider?.id === undefined) return [];
    return [...line.targets.keys()].flatMap((region) => {
      if (!regions.includes(region)) return [];
      const before = parent.urn.slice(0, -`::${line.key}`.length);
      const urn = `${before}$${resourceTypes.parameter}::${regionalName(line.key, region)}`;
      if (resources.some((one) => one.urn === urn)) return [];
      return [{ urn, region, parent: parent.urn, name: `${aws.parameterPrefix}/${line.path}` }];
    });
  });
  await forEachRegion(missing, async ({ urn, region, parent, name }) => {
    const client = await ssmClient({ region, emulator: aws.emulator });
    const value = await withAwsErrors(`read ${name} in ${region}`, () => valueOf(client, name));
    if (value === undefined) return;
    if (!recorded.has(value)) {
      adopted.leftAlone.push(`${name} in ${region} names ${value}, which is not an image of this stack`);
      return;
    }
    const inputs = { name, region, type: "String", dataType: "aws:ec2:image" };
    adopted.entries.push({
      urn,
      custom: true,
      id: name,
      type: resourceTypes.parameter,
      inputs,
      outputs: { ...inputs, id: name },
      parent,
      provider: `${provider!.urn}::${provider!.id!}`,
    });
  });
  return adopted;
}

/** SSM shows a new parameter only after it has validated its value. Number of attempts, and milliseconds between them. */
const looks = 4;
const pause = 1000;

async function valueOf(client: SSMClient, name: string): Promise<string | undefined> {
  for (let look = 0; look < looks; look += 1) {
    if (look > 0) await setTimeout(pause);
    const value = await parameterValue(client, name);
    if (value !== undefined) return value;
  }
  return undefined;
}
