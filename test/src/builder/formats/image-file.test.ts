import assert from "node:assert/strict";
import {
  checkFormat,
  type ImageFormat,
  imageFileName,
  splitFileName,
  virtualSizeMib,
} from "../../../../src/builder/formats/image-file.ts";
import { throwsError } from "../../../helpers/errors.ts";

const name = "gcp_alpine-3.23.6-x86_64-uefi-tiny-r0";
const image = (format: Partial<ImageFormat>): ImageFormat => ({ name, imageFormat: "qcow2", ...format });

describe("an image's file", () => {
  const files: [Partial<ImageFormat>, string][] = [
    [{ imageFormat: "qcow2", imageCompress: "bz2" }, `${name}.qcow2`],
    [{ imageFormat: "vhd", imageFormatOptions: "vhd/force-size", imageCompress: "bz2" }, `${name}.vhd`],
    [{ imageFormat: "vhd", imageCompress: "tar.gz" }, `${name}.vhd`],
    [{ imageFormat: "raw", imageCompress: "tar.gz" }, `${name}.raw.tar.gz`],
    [{ imageFormat: "raw", imageCompress: "bz2" }, `${name}.raw.bz2`],
    [{ imageFormat: "raw" }, `${name}.raw`],
  ];
  for (const [format, file] of files) {
    it(`is called ${file} with ${JSON.stringify(format)}, and told apart again`, () => {
      assert.equal(imageFileName(image(format)), file);
      assert.equal(splitFileName(file).name, name);
    });
  }

  it("has no other name", () => {
    throwsError(() => splitFileName(`${name}.iso`), {
      code: "image-file-name-invalid",
      where: `${name}.iso`,
    });
  });

  it("holds a disk of the declared size, and for Google of the next whole GiB", () => {
    const google = image({ imageFormat: "raw", imageCompress: "tar.gz" });
    assert.deepEqual(
      [1, 116, 1024, 1025].map((declared) => virtualSizeMib(google, declared)),
      [1024, 1024, 1024, 2048],
    );
    assert.equal(virtualSizeMib(image({}), 116), 116);
    assert.equal(virtualSizeMib(image({ imageFormat: "raw", imageCompress: "bz2" }), 116), 116);
  });

  it("cannot have another format's options", () => {
    checkFormat(image({ imageFormat: "vhd", imageFormatOptions: "vhd/fixed_force-size" }));
    checkFormat(image({ imageFormat: "raw" }));
    const wrong = image({ imageFormatOptions: "vhd/force-size" });
    throwsError(() => checkFormat(wrong), { code: "image-format-invalid", where: wrong.name });
  });
});
