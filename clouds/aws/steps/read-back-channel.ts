import pRetry from "p-retry";
import { ssmClient } from "../api/clients.ts";
import { forEachRegion } from "../../../src/lib/for-each-region.ts";
import { withAwsErrors } from "../api/errors.ts";
import { parameterValue } from "../api/parameter-value.ts";
import { UserError } from "../../../src/lib/user-error.ts";
import type { Step } from "../../../src/steps/step.ts";

/** What the step gets from its component. */
export interface AwsChannelInput {
  /** If true, calls go only to an emulator on loopback (setting `aws.emulator`). States record it under this name. */
  double: boolean;
  /** The parameter's name, the same in every region. */
  parameter: string;
  /** Region to the image that the parameter must name there. */
  images: Readonly<Record<string, string>>;
}

/** What was read back. */
export interface AwsChannelResult {
  /** Number of regions. */
  regions: number;
}

/** SSM validates a new value after accepting it, which takes seconds, and on bad days minutes. */
const patience = { retries: 60, factor: 1.3, minTimeout: 500, maxTimeout: 10_000, maxRetryTime: 5 * 60_000 };

/**
 * Reads a channel's parameters back, because SSM accepts any value, and silently keeps the old one if the new one is
 * not an image.
 */
export const awsChannelStep: Step<AwsChannelInput, AwsChannelResult> = {
  create: readBack,
  update: readBack,
  delete: () => Promise.resolve(),
};

async function readBack({ double, parameter, images }: AwsChannelInput): Promise<AwsChannelResult> {
  await forEachRegion(Object.entries(images), async ([region, imageId]) => {
    const client = await ssmClient({ region, emulator: double });
    await pRetry(
      async () => {
        const found = await withAwsErrors(`read ${parameter} in ${region}`, () =>
          parameterValue(client, parameter),
        );
        if (found !== imageId) throw new OtherValue(parameter, region, found, imageId);
      },
      { ...patience, shouldRetry: ({ error }) => error instanceof OtherValue },
    );
  });
  return { regions: Object.keys(images).length };
}

/** The parameter does not name its image yet. */
class OtherValue extends UserError {
  constructor(parameter: string, region: string, found: string | undefined, wanted: string) {
    super(
      "aws-channel-differs",
      `${parameter} in ${region} names ${found ?? "nothing"} instead of ${wanted}`,
      "check that the image exists and can be used, and run `pulumi up` again",
      { where: `${parameter} in ${region}` },
    );
  }
}
