/** The configuration's functions with this project's clouds, as its entry points call them. */
import { clouds } from "../../clouds/registry.ts";
import * as imagesModule from "../../src/configuration/images.ts";
import * as files from "../../src/configuration/index.ts";
import * as load from "../../src/configuration/load.ts";
import * as schema from "../../src/configuration/schema.ts";
import * as settings from "../../src/configuration/settings.ts";
import type { Source } from "../../src/configuration/source.ts";
import * as variant from "../../src/configuration/variant.ts";

type Options = Omit<files.LoadOptions, "clouds">;

export const loadDeclared = (options: Options) => files.loadDeclared({ ...options, clouds });
export const loadVariants = (options: Options) => files.loadVariants({ ...options, clouds });
export const loadSources = (options: Options) => files.loadSources({ ...options, clouds });
export const declaredBy = (root: string, stack: settings.StackSettings) =>
  files.declaredBy(root, stack, clouds);

export const loadConfiguration = (root: string, overlays: readonly string[] = []) =>
  load.loadConfiguration(root, overlays, clouds);
export const parseLayer = (source: Source, dimension?: string) => load.parseLayer(source, clouds, dimension);

export const layerSchema = schema.layerSchema(clouds);
export const fieldNames = schema.fieldNames(clouds);

export const settingsSchema = settings.settingsSchema(clouds);
export const settingsTable = () => settings.settingsTable(clouds);
export const readSettings = (raw: Readonly<Record<string, unknown>>, source?: Source) =>
  settings.readSettings(raw, clouds, source);
export const readStackFile = (root: string, stack: string) => settings.readStackFile(root, stack, clouds);

export const variantSchema = variant.variantSchema(clouds);

export const images = (options: imagesModule.ImagesOptions) => imagesModule.images(options, clouds);
