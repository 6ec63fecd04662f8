/** One test per rule: the emulator refuses what AWS refuses, with the same code, and accepts what AWS accepts. */
import assert from "node:assert/strict";
import type { Params } from "./actions.ts";
import { type ObjectLookup } from "./world.ts";
import {
  gib,
  imageOf,
  importParams,
  rawObject,
  TestCloud,
  toAll,
  vhdObject,
  vmimportActions,
  vmimportTrust,
} from "./test-cloud.ts";

describe("AWS emulator: rules of snapshots and images", () => {
  let cloud: TestCloud;
  beforeEach(() => (cloud = new TestCloud()));

  describe("ImportSnapshot", () => {
    it("makes a snapshot as large as the disk, in whole GiB, that knows which object it was", () => {
      cloud.object = vhdObject(gib + 1024 ** 2);
      const id = cloud.snapshot({ DiskContainer: { ...importParams.DiskContainer, Format: "VHD" } });
      assert.match(id, /^snap-0[0-9a-f]{16}$/);
      assert.equal(cloud.region().snapshots[id]?.volumeSizeGib, 2);
      assert.equal(cloud.region().snapshots[id]?.content?.etag, '"e"');
    });

    it("wants the role, its trust and its permissions", () => {
      cloud.refuses(
        "InvalidParameter",
        "ImportSnapshot",
        importParams,
        undefined,
        /vmimport provided does not exist/,
      );
      cloud.addRole({ ...vmimportTrust, Principal: { Service: "ec2.amazonaws.com" } });
      cloud.refuses("InvalidParameter", "ImportSnapshot", importParams);
      for (const missing of vmimportActions) {
        const other = new TestCloud();
        other.addRole(
          vmimportTrust,
          vmimportActions.filter((action) => action !== missing),
        );
        other.refuses(
          "InvalidParameter",
          "ImportSnapshot",
          importParams,
          undefined,
          /sufficient permissions/,
        );
      }
      const wrongId = new TestCloud();
      wrongId.addRole({ ...vmimportTrust, Condition: { StringEquals: { "sts:Externalid": "other" } } });
      wrongId.refuses("InvalidParameter", "ImportSnapshot", importParams);
    });

    it("knows VHD, VMDK and RAW, in capitals", () => {
      cloud.addRole();
      for (const Format of ["vhd", "VHDX", "qcow2", ""]) {
        const params = { DiskContainer: { ...importParams.DiskContainer, Format } };
        cloud.refuses(Format === "" ? "MissingParameter" : "InvalidParameter", "ImportSnapshot", params);
      }
    });

    it("fails the task, not the call, for an object that isn't there, isn't readable or isn't of the format", () => {
      const cases: [ObjectLookup, string, RegExp][] = [
        [{ failure: "404 Not Found" }, "RAW", /404 Not Found/],
        [{ failure: "403 Forbidden" }, "RAW", /403 Forbidden/],
        [rawObject(gib), "VHD", /Unsupported specified file format/],
        [rawObject(gib), "VMDK", /Unsupported specified file format/],
        [rawObject(0), "RAW", /Unsupported specified file format/],
      ];
      for (const [object, Format, message] of cases) {
        cloud.object = object;
        const task = cloud.task(cloud.import({ DiskContainer: { ...importParams.DiskContainer, Format } }));
        assert.equal(task.Status, "deleted");
        assert.match(task.StatusMessage ?? "", message);
      }
      assert.deepEqual(cloud.region().snapshots, {});
    });

    it("wants the bucket in its own region", () => {
      cloud.addRole();
      cloud.object = { ...rawObject(gib), bucketRegion: "eu-west-1" };
      cloud.refuses("InvalidParameter", "ImportSnapshot", importParams, undefined, /not local to the region/);
    });

    it("makes one task for one client token", () => {
      const tasks = [1, 2].map(() => cloud.import({ ClientToken: "t" }));
      assert.equal(tasks[0], tasks[1]);
      assert.notEqual(cloud.import({ ClientToken: "u" }), tasks[0]);
      assert.equal(Object.keys(cloud.region().snapshots).length, 2);
    });

    it("ends after some polls, and its snapshot can't be used before", () => {
      cloud.polls.import = 2;
      const id = cloud.import();
      assert.equal(cloud.task(id).Status, "active");
      const pending = Object.keys(cloud.region().snapshots)[0]!;
      cloud.refuses("IncorrectState", "RegisterImage", imageOf(pending));
      assert.equal(cloud.task(id).Status, "completed");
      assert.ok(cloud.call("RegisterImage", imageOf(pending)).ImageId);
    });
  });

  describe("RegisterImage", () => {
    it("has bad defaults", () => {
      const { Name, RootDeviceName, BlockDeviceMappings } = imageOf(cloud.snapshot());
      const bare = { Name, RootDeviceName, BlockDeviceMappings } as Params<"RegisterImage">;
      const shown = cloud.shown(cloud.call("RegisterImage", bare).ImageId);
      assert.equal(shown.VirtualizationType, "paravirtual");
      assert.equal(shown.Architecture, "i386");
      assert.equal(shown.EnaSupport, false);
    });

    it("takes a name once in a region, of 3 to 128 allowed characters", () => {
      const id = cloud.image();
      const again = imageOf(cloud.snapshot());
      const message = new RegExp(`AMI name an image is already in use by AMI ${id}`);
      cloud.refuses("InvalidAMIName.Duplicate", "RegisterImage", again, undefined, message);
      for (const Name of ["ab", "a".repeat(129), "a:b:c", "naïve"]) {
        cloud.refuses("InvalidAMIName.Malformed", "RegisterImage", { ...again, Name });
      }
      cloud.call("DeregisterImage", { ImageId: id });
      assert.ok(cloud.call("RegisterImage", again).ImageId);
    });

    it("wants a boot mode that the architecture has", () => {
      const SnapshotId = cloud.snapshot();
      const valid: [string, string | undefined][] = [
        ...([
          ["x86_64", "legacy-bios"],
          ["x86_64", "uefi"],
          ["x86_64", "uefi-preferred"],
        ] as [string, string][]),
        ...([
          ["arm64", "uefi"],
          ["arm64", undefined],
          ["x86_64", undefined],
        ] as [string, string | undefined][]),
      ];
      valid.forEach(([Architecture, BootMode], index) => {
        const mode = BootMode === undefined ? {} : { BootMode };
        cloud.call("RegisterImage", imageOf(SnapshotId, { Architecture, ...mode, Name: `image ${index}` }));
      });
      const wrong = { Architecture: "arm64", BootMode: "legacy-bios" };
      cloud.refuses("InvalidParameterCombination", "RegisterImage", imageOf(SnapshotId, wrong));
      cloud.refuses("InvalidParameterValue", "RegisterImage", imageOf(SnapshotId, { BootMode: "bios" }));
      cloud.refuses(
        "InvalidParameterValue",
        "RegisterImage",
        imageOf(SnapshotId, { Architecture: "aarch64" }),
      );
      const tpm = { TpmSupport: "v2.0", BootMode: "legacy-bios" };
      cloud.refuses("InvalidParameterCombination", "RegisterImage", imageOf(SnapshotId, tpm));
      const pv = { Architecture: "arm64", VirtualizationType: "paravirtual" };
      cloud.refuses("InvalidParameterCombination", "RegisterImage", imageOf(SnapshotId, pv));
    });

    it("wants a root device of a snapshot that exists and fits", () => {
      cloud.object = rawObject(3 * gib);
      const SnapshotId = cloud.snapshot();
      const other = imageOf(SnapshotId, { RootDeviceName: "/dev/sda1" });
      cloud.refuses("InvalidBlockDeviceMapping", "RegisterImage", other, undefined, /No root snapshot/);
      cloud.refuses("InvalidSnapshot.NotFound", "RegisterImage", imageOf("snap-0123456789abcdef0"));
      cloud.refuses("InvalidSnapshotID.Malformed", "RegisterImage", imageOf("snapshot"));
      const small = [{ DeviceName: "/dev/xvda", Ebs: { SnapshotId, VolumeSize: 2 } }];
      const message = /Volume of size 2GB is smaller than snapshot .*, expect size >= 3GB/;
      const params = imageOf(SnapshotId, { BlockDeviceMappings: small });
      cloud.refuses("InvalidBlockDeviceMapping", "RegisterImage", params, undefined, message);
      const encrypted = [{ DeviceName: "/dev/xvda", Ebs: { SnapshotId, Encrypted: true } }];
      cloud.refuses(
        "InvalidParameter",
        "RegisterImage",
        imageOf(SnapshotId, { BlockDeviceMappings: encrypted }),
      );
    });

    it("can't be seen at first, then is pending, then available", () => {
      Object.assign(cloud.polls, { visible: 1, register: 2 });
      const id = cloud.image();
      cloud.refuses("InvalidAMIID.NotFound", "DescribeImages", { ImageIds: [id] });
      cloud.refuses("InvalidAMIID.Unavailable", "ModifyImageAttribute", toAll(id));
      assert.equal(cloud.shown(id).State, "available");
    });
  });

  describe("CopyImage", () => {
    const copyOf = (SourceImageId: string): Params<"CopyImage"> => ({
      Name: "an image",
      SourceImageId,
      SourceRegion: "us-east-1",
    });

    it("copies what the image is and its bytes, not its tags, grantees and deprecation", () => {
      const source = cloud.image({ BootMode: "uefi", ImdsSupport: "v2.0" });
      cloud.call("CreateTags", { Resources: [source], Tags: [{ Key: "a", Value: "b" }] });
      cloud.call("ModifyImageAttribute", toAll(source));
      const { ImageId } = cloud.call("CopyImage", copyOf(source), "eu-west-1");
      const [from, to] = [cloud.shown(source), cloud.shown(ImageId, "eu-west-1")];
      assert.equal(to.BootMode, "uefi");
      assert.equal(to.ImdsSupport, "v2.0");
      assert.equal(to.Public, false);
      assert.deepEqual(to.Tags, []);
      assert.equal(to.DeprecationTime, undefined);
      const [original, copied] = [from, to].map((image) => image.BlockDeviceMappings[0]!.Ebs.SnapshotId!);
      assert.notEqual(original, copied);
      const content = cloud.region("eu-west-1").snapshots[copied!]!.content;
      assert.deepEqual(content, cloud.region().snapshots[original!]!.content);
      assert.deepEqual(cloud.region("eu-west-1").snapshots[copied!]!.tags, {});
    });

    it("wants an available source, a region that is on and a free name", () => {
      cloud.refuses("InvalidAMIID.NotFound", "CopyImage", copyOf("ami-0123456789abcdef0"), "eu-west-1");
      const source = cloud.image();
      cloud.refuses(
        "InvalidParameterValue",
        "CopyImage",
        { ...copyOf(source), SourceRegion: "nowhere-1" },
        "eu-west-1",
      );
      cloud.refuses("InvalidAMIName.Duplicate", "CopyImage", copyOf(source), "us-east-1");
      cloud.polls.register = 5;
      const pending = cloud.image({ Name: "not yet" });
      cloud.refuses("InvalidAMIID.Unavailable", "CopyImage", copyOf(pending), "eu-west-1");
    });

    it("makes one copy for one client token, though the name is taken by it", () => {
      const source = cloud.image();
      const copies = [1, 2].map(() =>
        cloud.call("CopyImage", { ...copyOf(source), ClientToken: "t" }, "eu-west-1"),
      );
      assert.deepEqual(copies[0], copies[1]);
    });

    it("has at most 100 copies under way in a region", () => {
      const source = cloud.image();
      cloud.polls.copy = 3;
      for (let index = 0; index < 100; index += 1) {
        cloud.call("CopyImage", { ...copyOf(source), Name: `copy ${index}` }, "eu-west-1");
      }
      cloud.refuses(
        "ResourceLimitExceeded",
        "CopyImage",
        { ...copyOf(source), Name: "copy 100" },
        "eu-west-1",
      );
      assert.ok(cloud.call("CopyImage", { ...copyOf(source), Name: "copy 100" }, "eu-west-2"));
    });
  });

  describe("deletion", () => {
    it("keeps a snapshot that an image uses", () => {
      const SnapshotId = cloud.snapshot();
      const { ImageId } = cloud.call("RegisterImage", imageOf(SnapshotId));
      const message = new RegExp(`${SnapshotId} is currently in use by ${ImageId}`);
      cloud.refuses("InvalidSnapshot.InUse", "DeleteSnapshot", { SnapshotId }, undefined, message);
      cloud.call("DeregisterImage", { ImageId });
      assert.ok(cloud.region().snapshots[SnapshotId], "deregistering leaves the snapshot");
      cloud.call("DeleteSnapshot", { SnapshotId });
      cloud.refuses("InvalidSnapshot.NotFound", "DeleteSnapshot", { SnapshotId });
    });

    it("tells an image that is gone from one that never was", () => {
      const ImageId = cloud.image();
      cloud.call("DeregisterImage", { ImageId });
      cloud.refuses("InvalidAMIID.Unavailable", "DeregisterImage", { ImageId });
      cloud.refuses("InvalidAMIID.NotFound", "DeregisterImage", { ImageId: "ami-0123456789abcdef0" });
      cloud.refuses("InvalidAMIID.Malformed", "DeregisterImage", { ImageId: "image" });
    });
  });
});
