import assert from "node:assert/strict";
import type { DeclaredImage, ImageState } from "../../../../src/configuration/variant.ts";
import { plannedRegions, publishPlan } from "../../../../clouds/aws/preflight/plan.ts";
import { someVariant } from "../../../helpers/variant.ts";
import { readSettings } from "../../../helpers/configuration.ts";

const regions = [
  { name: "eu-west-1", bestEffort: false },
  { name: "me-south-1", bestEffort: true },
  { name: "us-east-1", bestEffort: false },
];

function declared(
  variant: Parameters<typeof someVariant>[0] = {},
  state: Partial<ImageState> = {},
): DeclaredImage {
  return {
    key: "3.23.6-x86_64-bios-tiny-aws-r0",
    variant: someVariant({ cloud: "aws", name: "aws_alpine-3.23.6-x86_64-bios-tiny-r0", ...variant }),
    state: {
      stage: "release",
      added: "2026-11-01",
      withdraw: false,
      removing: false,
      place: "ledger:1:1",
      ...state,
    },
    regions,
  };
}

const settings = (stage: string) => readSettings({ stage, aws: { region: "us-east-1" } });

describe("a stack's plan for AWS", () => {
  it("has each image under its AMI's name, at home first, as public as it is declared", () => {
    const { images, wantsAllRegions } = publishPlan([declared()], settings("release"));
    assert.deepEqual(images, [
      {
        key: "3.23.6-x86_64-bios-tiny-aws-r0",
        name: "alpine-3.23.6-x86_64-bios-tiny-r0",
        tags: {
          project: "https://alpinelinux.org/cloud",
          image_key: "3.23.6-x86_64-bios-tiny-nocloud",
          revision: "0",
        },
        regions: [regions[2], regions[0], regions[1]].map((region) => ({ ...region, isPublic: true })),
        sharesSnapshots: false,
        entry: "3.23.6-r0",
        place: "ledger:1:1",
        deprecated: "2027-11-01T23:59:00Z",
      },
    ]);
    assert.equal(wantsAllRegions, true);
  });

  it("keeps to the home region and to ourselves below publish, and has nothing below import", () => {
    for (const one of [
      publishPlan([declared()], settings("sign")),
      publishPlan([declared({}, { stage: "import" })], settings("release")),
    ]) {
      assert.deepEqual(plannedRegions(one), [{ name: "us-east-1", bestEffort: false }]);
      assert.equal(one.images[0]?.regions[0]?.isPublic, false);
      assert.equal(one.wantsAllRegions, false);
    }
    assert.deepEqual(publishPlan([declared()], settings("upload")).images, []);
    assert.deepEqual(publishPlan([declared({ cloud: "nocloud" })], settings("release")).images, []);
  });

  it("requires a region that any image requires", () => {
    const other = { ...declared(), regions: [{ name: "me-south-1", bestEffort: false }] };
    const merged = plannedRegions(publishPlan([declared(), other], settings("release")));
    assert.deepEqual(
      merged.find(({ name }) => name === "me-south-1"),
      { name: "me-south-1", bestEffort: false },
    );
  });

  it("imports at home and is not public there where it isn't published there", () => {
    const abroad = { ...declared(), regions: [regions[0]!] };
    assert.deepEqual(publishPlan([abroad], settings("release")).images[0]?.regions, [
      { name: "us-east-1", bestEffort: false, isPublic: false },
      { name: "eu-west-1", bestEffort: false, isPublic: true },
    ]);
  });

  it("is deprecated on the day that the program declares", () => {
    const [image] = publishPlan([declared({}, { retired: "2027-01-01" })], settings("release")).images;
    assert.equal(image?.deprecated, "2027-01-01T00:00:00Z");
  });
});
