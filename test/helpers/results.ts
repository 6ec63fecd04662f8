/** Results of steps, as commands keep them. */
import type { ArtifactResult } from "../../src/steps/artifact.ts";
import type { DiskImageResult } from "../../src/steps/disk-image.ts";

export function diskResult(changes: Partial<DiskImageResult> = {}): DiskImageResult {
  return {
    token: "disk-token",
    file: "work/images/x/image.qcow2",
    sha512: "ab".repeat(64),
    bytes: 9,
    diskSizeMib: 116,
    inputsDigest: "cd".repeat(32),
    kernel: "6.18.56-0-virt",
    packages: 104,
    mirrorSnapshot: { "https://dl-cdn.alpinelinux.org/alpine/v3.23/main": "ef".repeat(32) },
    built: "2026-11-23T08:36:49.538Z",
    diskCheck: { passed: 93 },
    bootTest: { passed: 26, seconds: 20.5 },
    ...changes,
  };
}

/** What newer versions add to the results of a disk and an artifact. */
export const builtDocuments: NonNullable<DiskImageResult["documents"]> = {
  sbom: { file: "work/images/x/image.cdx.json", sha512: "5b".repeat(64) },
  provenance: { file: "work/images/x/image.intoto.json", sha512: "17".repeat(64) },
};
export const storedDocuments: NonNullable<ArtifactResult["documents"]> = {
  sbom: { name: "nocloud_alpine-3.20.cdx.json", sha512: "5b".repeat(64) },
  provenance: { name: "nocloud_alpine-3.20.intoto.json", sha512: "17".repeat(64) },
};

export function artifactResult(changes: Partial<ArtifactResult> = {}): ArtifactResult {
  return {
    token: "artifact-token",
    folder: "file:///nowhere",
    name: "nocloud_alpine-3.20.qcow2",
    sha512: "ab".repeat(64),
    bytes: 9,
    uploaded: "2026-11-23T08:36:53.866Z",
    ...changes,
  };
}
