/** Puts the double where the Pulumi CLI finds it: for tests only, never on anyone's PATH. */
import { mkdirSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { buildSync } from "esbuild";
import { defined } from "../../../src/lib/defined.ts";
import { endpointVariables } from "./http/endpoints.ts";
import { writeFileAtomically } from "../../../src/lib/atomic-file.ts";

const root = resolve(import.meta.dirname, "../../..");
const bin = join(root, "work/doubles/aws");
let isInstalled = false;

/** The folder with `pulumi-resource-aws`, bundled from the sources once a process: loading them one by one costs a second. */
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
    '#!/bin/sh\n# The AWS double: see test/doubles/aws/README.md.\nexec node "$(dirname "$0")/main.mjs" "$@"\n';
  writeFileAtomically(join(bin, "pulumi-resource-aws"), launcher, 0o755);
  isInstalled = true;
  return bin;
}

/** The real credentials, profiles and endpoints that a developer's environment may have; the double must see none. */
const aboutAws = /^AWS_/;

export interface DoubleOptions {
  /** The folder of the cloud's files. */
  folder: string;
  /** Twelve digits. */
  account: string;
  region?: string;
  /** The S3 server's URL, on loopback. */
  objects?: string;
  /** The URL of `serveCloud`: where the program's own calls go, whatever the service. */
  url?: string;
}

/** An environment in which the CLI uses the double, and nothing in it can reach AWS. */
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
