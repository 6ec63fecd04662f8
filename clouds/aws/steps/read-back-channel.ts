import pRetry from "p-retry";
import { ssmClient } from "../api/clients.ts";
import { forEachRegion } from "../../../src/lib/for-each-region.ts";
import { withAwsErrors } from "../api/errors.ts";
import { parameterValue } from "../api/parameter-value.ts";
import { UserError } from "../../../src/lib/user-error.ts";
import type { Step } from "../../../src/steps/step.ts";

/** What the step gets from its component. */
export interface AwsChannelInput {
  /** If true, only an emulator on loopback is talked to: setting `aws.emulator`. States have it by this name. */
  double: boolean;
  /** The parameter's name, the same in every region. */
  parameter: string;
  /** Region to the image that the parameter has to name there. */
  images: Readonly<Record<string, string>>;
}

/** What was read back. */
export interface AwsChannelResult {
  /** In how many regions. */
  regions: number;
}

/** SSM looks at a new value after it has taken it, which is a matter of seconds, and on bad days of minutes. */
const patience = { retries: 60, factor: 1.3, minTimeout: 500, maxTimeout: 10_000, maxRetryTime: 5 * 60_000 };

/** Reads a channel's parameters back: SSM takes a value, looks whether it is an image, and keeps the old one if it is not. */
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

/** A parameter that does not name its image, so far. */
class OtherValue extends UserError {
  constructor(parameter: string, region: string, found: string | undefined, wanted: string) {
    super(
      "aws-channel-differs",
      `${parameter} in ${region} names ${found ?? "nothing"} and not ${wanted}`,
      "see whether that image is there and may be used, and run `pulumi up` again",
      { where: `${parameter} in ${region}` },
    );
  }
}
