/**
 * One image in a {@link Checkout}, declared by the project's own program, as stack `dev` declares its own: from the
 * offline kit's mirror, over HTTP, into storage in a folder.
 */
import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { stringify } from "yaml";
import { serveDirectory, type DirectoryServer } from "../../offline-kit/mirror/serve.ts";
import { Checkout } from "./checkout.ts";

const mirrorFolder = resolve(
  import.meta.dirname,
  "../..",
  process.env["OFFLINE_MIRROR"] ?? ".tools/offline/mirror",
);

/** Which image it is, as far as it differs from the one that stack `dev` declares. */
export interface ImageDimensions {
  arch: "x86_64" | "aarch64";
  firmware: "bios" | "uefi";
  /** @default "tiny" */
  bootstrap?: "tiny" | "cloudinit";
  cloud: string;
}

/** Why an image cannot be built here, if so. */
export function missingForBuild(arch: ImageDimensions["arch"] = "x86_64"): string | undefined {
  return existsSync(join(mirrorFolder, `v3.23/main/${arch}/APKINDEX.tar.gz`))
    ? undefined
    : `there is no mirror for ${arch} in ${mirrorFolder} (npm test makes it where there are apt and dpkg)`;
}

/** For a suite's `before`: skips all of it where the image cannot be built, and says why. */
export function skipWithoutMirror(suite: Mocha.Context, arch: ImageDimensions["arch"] = "x86_64"): void {
  const missing = missingForBuild(arch);
  if (missing === undefined) return;
  console.log(`      skipped: ${missing}`);
  suite.skip();
}

export class DeclaredImage extends Checkout {
  readonly key: string;
  readonly name: string;
  readonly storage: string;
  #mirror: DirectoryServer | undefined;
  readonly dimensions: ImageDimensions;

  constructor(dimensions: ImageDimensions = { arch: "x86_64", firmware: "bios", cloud: "nocloud" }) {
    super();
    this.dimensions = dimensions;
    const { arch, firmware, bootstrap = "tiny", cloud } = dimensions;
    this.key = `3.23.6-${arch}-${firmware}-${bootstrap}-${cloud}-r0`;
    this.name = `${cloud}_alpine-3.23.6-${arch}-${firmware}-${bootstrap}-r0`;
    this.storage = `work/storage/v3.23/${cloud}/${arch}`;
  }

  /** Makes the stack and starts its mirror. */
  async begin(): Promise<void> {
    const images = [{ bootstrap: "tiny", ...this.dimensions }];
    const entry = {
      release: "3.23.6",
      date: "2026-09-17",
      revision: 0,
      stage: "upload",
      added: "2026-11-01",
    };
    const ledger = { versions: { "3.23": { endOfLife: "2027-11-01", entries: [{ ...entry, images }] } } };
    this.write("releases.test.yaml", stringify(ledger));
    await this.moveMirror();
    await this.initialize(this.settings());
  }

  /** Serves the same packages on another port, and nothing any more on the one before. */
  async moveMirror(): Promise<void> {
    const before = this.#mirror;
    this.#mirror = await serveDirectory(mirrorFolder);
    await before?.close();
  }

  /** The stack's settings, some of them changed. */
  settings(changes: Record<string, unknown> = {}): Record<string, unknown> {
    return {
      "alpine:ledger": "releases.test.yaml",
      "alpine:stage": "upload",
      "alpine:rebuild": "changed",
      "alpine:storageUrl": "file://work/storage/{v_version}/{cloud}/{arch}",
      "alpine:mirror": {
        name: "offline",
        url: this.#mirror?.url,
        keys: readdirSync(join(mirrorFolder, "keys")).map((name) => join(mirrorFolder, "keys", name)),
        diskExtraMib: 96,
      },
      ...changes,
    };
  }

  /** Image files, finished ones, that the builder has left. */
  builtImages(): string[] {
    return this.files("work/images").filter((name) => /\.(qcow2|json)$/.test(name));
  }

  async end(): Promise<void> {
    await this.#mirror?.close();
    this.remove();
  }
}
