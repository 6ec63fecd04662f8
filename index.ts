/** The Pulumi program: reads the settings, resolves the images that the ledger lists, and declares them. */
import * as pulumi from "@pulumi/pulumi";
import { clouds } from "./clouds/registry.ts";
import { withPlainErrors } from "./components/plain-errors.ts";
import { declareImages } from "./components/stack-images.ts";
import { buildSettings } from "./src/builder/build-settings.ts";
import { countsOf } from "./src/configuration/counts.ts";
import { declaredBy } from "./src/configuration/index.ts";
import { NAMESPACE, readSettings } from "./src/configuration/settings.ts";
import { defined } from "./src/lib/defined.ts";

const config = Object.entries(pulumi.runtime.allConfig()).filter(([key]) => key.startsWith(`${NAMESPACE}:`));

export default () =>
  withPlainErrors(async () => {
    const settings = readSettings(Object.fromEntries(config), clouds);
    const declared = declaredBy(import.meta.dirname, settings, clouds);
    const { images, channels } = await declareImages(declared, settings, buildSettings(settings), clouds);
    return {
      counts: countsOf(declared, settings.stage),
      images,
      ...defined({ channels }),
    };
  });
