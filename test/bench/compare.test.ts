import assert from "node:assert/strict";
import { imageForAarch64, nextImage } from "../../bench/compare-builder.ts";
import { imageToCompare } from "../../bench/compare.ts";
import type { Variant } from "../../src/configuration/variant.ts";
import { throwsError } from "../helpers/errors.ts";
import { someVariant } from "../helpers/variant.ts";

const image = someVariant();

/** An image whose key tells it from others. */
const other = (imageKey: string, changes: Partial<Variant>): Variant => someVariant({ imageKey, ...changes });

describe("the images of a comparison", () => {
  it("are of one qcow2 image", () => {
    const expected = { code: "usage", where: "--only" } as const;
    assert.equal(imageToCompare([image]), image);
    throwsError(() => imageToCompare([]), expected);
    throwsError(() => imageToCompare([image, image]), expected);
    throwsError(() => imageToCompare([someVariant({ imageFormat: "vhd" })]), expected);
  });

  it("have as next image the same one of another cloud, of the same format if possible", () => {
    const vhd = other("vhd", { cloud: "azure", imageFormat: "vhd" });
    const qcow2 = other("qcow2", { cloud: "oci" });
    const unrelated = [
      other("uefi", { cloud: "oci", firmware: "uefi" }),
      other("cloudinit", { cloud: "oci", bootstrap: "cloudinit" }),
      other("older", { cloud: "oci", release: "3.23.5" }),
    ];
    assert.equal(nextImage(image, [image, ...unrelated, vhd, qcow2])?.imageKey, "qcow2");
    assert.equal(nextImage(image, [image, ...unrelated, vhd])?.imageKey, "vhd");
    assert.equal(nextImage(image, [image, ...unrelated]), undefined);
  });

  it("have the same image for aarch64, whatever its firmware", () => {
    const arm = { arch: "aarch64", firmware: "uefi" } as const;
    const found = imageForAarch64(image, [image, other("oci", { ...arm, cloud: "oci" }), other("arm", arm)]);
    assert.equal(found?.imageKey, "arm");
    assert.equal(imageForAarch64(image, [image]), undefined);
  });
});
