import "./scripts/lib/printable-errors.ts";
import * as pulumi from "@pulumi/pulumi";
import { ImageVariant } from "./components/image-variant.ts";
import { withPlainErrors } from "./components/plain-errors.ts";
import { loadDeclared } from "./configs/index.ts";
import { NAMESPACE, readSettings } from "./configs/settings.ts";
import { buildSettings } from "./scripts/build/build-settings.ts";
import { inputsDigest } from "./scripts/build/inputs.ts";

const config = Object.entries(pulumi.runtime.allConfig()).filter(([key]) => key.startsWith(`${NAMESPACE}:`));

const images = withPlainErrors(() => {
  const settings = readSettings(Object.fromEntries(config));
  const { overlays, versions, ledger, project, storageUrl } = settings;
  const build = buildSettings(settings);
  const declared = loadDeclared({
    root: import.meta.dirname,
    ...(ledger === "" ? {} : { ledgerFile: ledger }),
    overlays,
    versions,
    overrides: { project, storageUrl },
  });
  return declared.map((image) => {
    const digest = inputsDigest(image.variant, build);
    const variant = new ImageVariant(image.key, { image, settings, inputsDigest: digest, build });
    return [image.key, variant.outputs] as const;
  });
});

export default { images: Object.fromEntries(images) };
