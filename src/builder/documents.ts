/** Writes the documents that are published with an image. */
import { createHash } from "node:crypto";
import path from "node:path";
import { writeFileAtomically } from "../lib/atomic-file.ts";
import { type BuildRecord, type Product, provenanceText } from "./provenance.ts";
import { type BilledImage, sbomText } from "./sbom.ts";

/** The documents that are published with every image, whatever its format. */
export type Documents = Record<"sbom" | "provenance", WrittenDocument>;

interface WrittenDocument {
  file: string;
  sha512: string;
}

/**
 * Writes what an image consists of (CycloneDX, `NAME.cdx.json`) and how it was made (`NAME.intoto.json`, a single
 * statement; `.intoto.jsonl` is for lines of signed statements).
 */
export function writeDocuments(
  folder: string,
  image: Product,
  contents: Pick<BilledImage, "kernel" | "packages">,
  record: Omit<BuildRecord, "products">,
): Documents {
  const { variant, settings, inputsDigest } = record;
  const { sha256, sha512 } = image;
  const write = (name: string, text: string): WrittenDocument & Product => {
    const file = path.join(folder, name);
    writeFileAtomically(file, text);
    return { file, name, sha256: digest("sha256", text), sha512: digest("sha512", text) };
  };
  const mirror = settings.mirror.name;
  const sbom = write(
    `${variant.name}.cdx.json`,
    sbomText({ ...contents, variant, sha256, sha512, inputsDigest, mirror }),
  );
  const provenance = write(
    `${variant.name}.intoto.json`,
    provenanceText({ ...record, products: [image, sbom] }),
  );
  return {
    sbom: { file: sbom.file, sha512: sbom.sha512 },
    provenance: { file: provenance.file, sha512: provenance.sha512 },
  };
}

function digest(algorithm: "sha256" | "sha512", text: string): string {
  return createHash(algorithm).update(text).digest("hex");
}
