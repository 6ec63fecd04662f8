import "./scripts/lib/error-stacks.ts";
import * as pulumi from "@pulumi/pulumi";
import { declareChannels } from "./components/channel.ts";
import { declareAws } from "./components/clouds/aws-stack.ts";
import { ImageVariant } from "./components/image-variant.ts";
import { withPlainErrors } from "./components/plain-errors.ts";
import { preflightHook } from "./components/preflight-hook.ts";
import { countsOf } from "./configs/counts.ts";
import { declaredBy } from "./configs/index.ts";
import { NAMESPACE, readSettings } from "./configs/settings.ts";
import { buildSettings } from "./scripts/build/build-settings.ts";
import { inputsDigest } from "./scripts/build/inputs.ts";
import { publishPlan } from "./scripts/preflight/plan.ts";

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
    ...(channels === undefined ? {} : { channels }),
  };
});
