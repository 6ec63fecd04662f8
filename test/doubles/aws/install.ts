/** Installs the emulator where the Pulumi CLI finds it, for tests only and never on the user's PATH. */
import { mkdirSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { buildSync } from "esbuild";
import { defined } from "../../../src/lib/defined.ts";
import { endpointVariables } from "./http/endpoints.ts";
import { writeFileAtomically } from "../../../src/lib/atomic-file.ts";

const root = resolve(import.meta.dirname, "../../..");
const bin = join(root, "work/doubles/aws");
let isInstalled = false;

/**
 * The folder with `pulumi-resource-aws`, bundled from the sources once per process, because loading them one by one
 * takes a second.
 */
export function doubleFolder(): string {
  if (isInstalled) return bin;
  const { outputFiles } = buildSync({
    entryPoints: [join(import.meta.dirname, "main.ts")],
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
  });
  mkdirSync(bin, { recursive: true });
  writeFileAtomically(join(bin, "main.mjs"), outputFiles[0]!.contents);
  const launcher =
    '#!/bin/sh\n# The AWS emulator: see test/doubles/aws/README.md.\nexec node "$(dirname "$0")/main.mjs" "$@"\n';
  writeFileAtomically(join(bin, "pulumi-resource-aws"), launcher, 0o755);
  isInstalled = true;
  return bin;
}

/** Variables with real credentials, profiles and endpoints, which a developer may have. The emulator must see none. */
const aboutAws = /^AWS_/;

export interface DoubleOptions {
  /** The folder of the cloud's files. */
  folder: string;
  /** Twelve digits. */
  account: string;
  region?: string;
  /** The S3 server's URL, on loopback. */
  objects?: string;
  /** The URL of `serveCloud`, to which all of the program's own calls go. */
  url?: string;
}

/** An environment in which the CLI uses the emulator, and nothing can reach AWS. */
export function doubleEnvironment(environment: NodeJS.ProcessEnv, options: DoubleOptions): NodeJS.ProcessEnv {
  const own = Object.entries(environment).filter(([name]) => !aboutAws.test(name));
  const nowhere = join(options.folder, "no-such-file");
  return {
    ...Object.fromEntries(own),
    PATH: [doubleFolder(), environment["PATH"]].join(delimiter),
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    AWS_DOUBLE_DIR: options.folder,
    AWS_ACCESS_KEY_ID: options.account,
    AWS_SECRET_ACCESS_KEY: "double",
    AWS_CONFIG_FILE: nowhere,
    AWS_SHARED_CREDENTIALS_FILE: nowhere,
    AWS_EC2_METADATA_DISABLED: "true",
    ...defined({ AWS_REGION: options.region, AWS_DOUBLE_OBJECTS: options.objects }),
    ...(options.url === undefined ? {} : endpointVariables(options.url)),
  };
}
