import assert from "node:assert/strict";
import { settingsSchema } from "../../../configs/settings.ts";
import type { Declared, ImageState } from "../../../configs/variant.ts";
import { plannedRegions, publishPlan } from "../../../scripts/preflight/plan.ts";
import { someVariant } from "../../helpers/variant.ts";

const regions = [
  { name: "eu-west-1", bestEffort: false },
  { name: "me-south-1", bestEffort: true },
  { name: "us-east-1", bestEffort: false },
];

function declared(
  variant: Parameters<typeof someVariant>[0] = {},
  state: Partial<ImageState> = {},
): Declared {
  return {
    key: "3.23.6-x86_64-bios-tiny-aws-r0",
    variant: someVariant({ cloud: "aws", name: "aws_alpine-3.23.6-x86_64-bios-tiny-r0", ...variant }),
    state: {
      ...{ stage: "release", added: "2026-11-01", withdraw: false, removing: false, place: "ledger:1:1" },
      ...state,
    },
    regions,
  };
}

const settings = (stage: string) => settingsSchema.parse({ stage, aws: { region: "us-east-1" } });

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
        regions: [regions[2], regions[0], regions[1]],
        isPublic: true,
        sharesSnapshots: false,
        entry: "3.23.6-r0",
        place: "ledger:1:1",
        lastDay: { day: "2027-11-01", is: "end of life" },
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
      assert.equal(one.images[0]?.isPublic, false);
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

  it("ends an image at the earliest of end of life, retirement, and two years", () => {
    const lastDay = (image: Declared) => publishPlan([image], settings("release")).images[0]?.lastDay;
    assert.deepEqual(lastDay(declared({}, { retired: "2027-01-01" })), {
      ...{ day: "2027-01-01", is: "day of retirement" },
    });
    assert.deepEqual(lastDay(declared({ endOfLife: "2030-01-01" })), {
      ...{ day: "2028-11-01", is: "last day that AWS allows, two years after it was added" },
    });
  });

  it("shares the snapshots of public images only", () => {
    const aws = {
      enaSupport: true,
      imdsSupport: "v2.0",
      tpmSupport: false,
      volumeType: "gp3",
      shareSnapshots: true,
    } as const;
    const shares = (image: Declared) => publishPlan([image], settings("release")).images[0]?.sharesSnapshots;
    assert.equal(shares(declared({ aws })), true);
    assert.equal(shares(declared({ aws, access: { PUBLIC: false } })), false);
  });
});
