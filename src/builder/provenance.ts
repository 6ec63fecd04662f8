/** Writes an image's provenance: an in-toto Statement v1 with a SLSA Provenance v1 predicate. See docs/provenance.md. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Variant } from "../configuration/variant.ts";
import { projectRoot } from "../lib/workspace.ts";
import type { Appliance } from "./appliance.ts";
import type { BuildSettings } from "./build-settings.ts";
import { builderVersion, overlayFiles, variantInputs } from "./inputs.ts";
import { guestScripts } from "./job.ts";
import type { Repository } from "./mirror.ts";

/** The format that docs/provenance.md describes. Changing the meaning of a field requires a new version. */
export const buildType = "urn:alpine-cloud-images:disk-image:v1";

/** Any machine that runs this project. A signature identifies who ran it. */
const builderId = "urn:alpine-cloud-images:builder:v1";

/** A file or a set of files, as in-toto's ResourceDescriptor. */
interface Resource {
  name?: string;
  uri?: string;
  digest: Record<string, string>;
}

/** What came out of a build. */
export interface Product {
  name: string;
  sha256: string;
  sha512: string;
}

/** What went into a build, and what came out. */
export interface BuildRecord {
  variant: Variant;
  settings: BuildSettings;
  inputsDigest: string;
  appliance: Pick<Appliance, "arch" | "digest">;
  repositories: readonly Pick<Repository, "declaredUrl" | "arch" | "digest">[];
  products: readonly Product[];
}

/**
 * The statement as text. It contains no time and no machine name, so the same inputs and repositories always give the
 * same text.
 */
export function provenanceText(record: BuildRecord): string {
  const { variant, settings, inputsDigest, products } = record;
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: products.map(({ name, sha256, sha512 }): Resource => ({ name, digest: { sha256, sha512 } })),
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {
      buildDefinition: {
        buildType,
        externalParameters: variantInputs(variant),
        internalParameters: {
          builderVersion,
          extraDiskMib: settings.extraDiskMib,
          inputsDigest,
          mirror: settings.mirror.name,
        },
        resolvedDependencies: dependencies(record),
      },
      runDetails: { builder: { id: builderId } },
    },
  };
  return `${JSON.stringify(statement, undefined, 2)}\n`;
}

function dependencies({ variant, settings, appliance, repositories }: BuildRecord): Resource[] {
  return [
    ...repositories.map(({ declaredUrl, arch, digest }) => ({
      uri: `${declaredUrl}/${arch}/APKINDEX.tar.gz`,
      digest: { sha256: digest },
    })),
    { name: `appliance ${appliance.arch}`, digest: { sha256: appliance.digest } },
    { name: "src/builder/guest", digest: { dirHash: dirHash(guestScripts()) } },
    ...files(
      Object.fromEntries(
        variant.repoKeys.map((file) => [file, readFileSync(path.resolve(projectRoot, file))]),
      ),
    ),
    ...files(overlayFiles(settings.overlays)),
  ];
}

function files(contents: Record<string, Buffer>): { name: string; digest: { sha256: string } }[] {
  return Object.keys(contents)
    .sort()
    .map((name) => ({ name, digest: { sha256: sha256(contents[name]!) } }));
}

/** in-toto's digest of a folder: the digest of its files' digests, as listed by `sha256sum`. */
function dirHash(contents: Record<string, Buffer>): string {
  const lines = files(contents).map(({ name, digest }) => `${digest.sha256}  ${name}\n`);
  return sha256(lines.join(""));
}

function sha256(content: Buffer | string): string {
  return createHash("sha256").update(content).digest("hex");
}
