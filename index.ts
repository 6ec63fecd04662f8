import { defined } from "./src/lib/defined.ts";
import "./src/lib/error-stacks.ts";
import * as pulumi from "@pulumi/pulumi";
import { declareChannels } from "./clouds/aws/channel.ts";
import { declareAws } from "./clouds/aws/shared.ts";
import { ImageVariant } from "./components/image-variant.ts";
import { withPlainErrors } from "./components/plain-errors.ts";
import { preflightHook } from "./components/preflight-hook.ts";
import { countsOf } from "./src/configuration/counts.ts";
import { declaredBy } from "./src/configuration/index.ts";
import { NAMESPACE, readSettings } from "./src/configuration/settings.ts";
import { buildSettings } from "./src/builder/build-settings.ts";
import { inputsDigest } from "./src/builder/inputs.ts";
import { publishPlan } from "./clouds/aws/preflight/plan.ts";

const config = Object.entries(pulumi.runtime.allConfig()).filter(([key]) => key.startsWith(`${NAMESPACE}:`));

export default withPlainErrors(() => {
  const settings = readSettings(Object.fromEntries(config));
  const build = buildSettings(settings);
  const declared = declaredBy(import.meta.dirname, settings);
  const preflight = preflightHook(publishPlan(declared, settings));
  const { providers, publicAccess } = declareAws(declared, settings, preflight);
  const images = new Map(
    declared.map((image) => {
      const digest = inputsDigest(image.variant, build);
      const args = { image, settings, inputsDigest: digest, build, publicAccess, preflight };
      return [image.key, new ImageVariant(image.key, args, { providers })];
    }),
  );
  const channels = declareChannels(declared, images, settings, preflight, { providers });
  const outputs = [...images].map(([key, { outputs }]) => [key, outputs] as const);
  return {
    counts: countsOf(declared, settings.stage),
    images: Object.fromEntries(outputs),
    ...defined({ channels }),
  };
});
