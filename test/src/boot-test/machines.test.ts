import assert from "node:assert/strict";
import { clouds } from "../../../clouds/registry.ts";
import { bootCloudOf } from "../../../src/boot-test/boot-cloud.ts";
import { deviceArguments, type Machine } from "../../../src/boot-test/machine.ts";
import type { Variant } from "../../../src/configuration/variant.ts";
import { networkArguments } from "../../../src/boot-test/network.ts";
import { throwsError } from "../../helpers/errors.ts";

type Kind = Pick<Variant, "arch" | "cloud" | "firmware">;

const machineFor = ({ cloud, ...kind }: Kind): Machine => bootCloudOf(clouds, cloud).machine(kind);

describe("the machine an image is booted on", () => {
  const argumentsFor = (
    cloud: string,
    arch: Kind["arch"] = "x86_64",
    firmware: Kind["firmware"] = "uefi",
  ): string => deviceArguments(machineFor({ cloud, arch, firmware })).join(" ");

  it("has a disk like its cloud's, which the firmware starts from", () => {
    assert.match(argumentsFor("aws"), /-device nvme,serial=\w+,drive=disk,bootindex=0/);
    for (const cloud of ["gcp", "oci", "azure"]) {
      assert.match(argumentsFor(cloud), /-device virtio-scsi-pci -device scsi-hd,drive=disk,bootindex=0/);
    }
    assert.match(argumentsFor("nocloud"), /^-device virtio-blk-pci,drive=disk,bootindex=0 /);
  });

  it("is Azure's first generation for BIOS, with an IDE disk", () => {
    assert.match(argumentsFor("azure", "x86_64", "bios"), /-device ide-hd,bus=ide\.0,drive=disk/);
    assert.equal(machineFor({ cloud: "azure", arch: "x86_64", firmware: "bios" }).type, "pc");
    assert.equal(machineFor({ cloud: "azure", arch: "x86_64", firmware: "uefi" }).type, undefined);
  });

  it("says where it is, as cloud-init looks for it", () => {
    assert.match(argumentsFor("aws"), /-uuid ec2/);
    assert.match(argumentsFor("azure"), /type=3,.*asset=7783-7084-3265-9085-8269-3286-77/);
    assert.match(argumentsFor("gcp"), /product=Google Compute Engine/);
    assert.match(argumentsFor("oci"), /asset=OracleCloud\.com/);
    assert.ok(!argumentsFor("nocloud").includes("-smbios"));
  });

  it("has the serial port that AWS's aarch64 images write to", () => {
    assert.match(argumentsFor("aws", "aarch64"), /-device pci-serial,chardev=console/);
    assert.ok(!argumentsFor("aws").includes("pci-serial"));
  });

  it("is unknown for a cloud that is not in the table", () => {
    throwsError(() => machineFor({ cloud: "mine", arch: "x86_64", firmware: "bios" }), {
      code: "boot-machine-unknown",
      where: "cloud mine",
      text: /→ .*docs\/adding-a-cloud\.md/,
    });
  });
});

describe("the network of a booted image", () => {
  const wire = { card: 4713, network: 4714 };
  /** The options of the user network. */
  const userNetwork = (services: [string, number][]): string[] => {
    const options = networkArguments(2222, new Map(services), wire).find((arg) => arg.startsWith("user,"));
    return options!.split(",");
  };

  it("leads to its services alone, and lets SSH in", () => {
    const parts = userNetwork([
      ["169.254.169.254", 4711],
      ["168.63.129.16", 4712],
    ]);
    assert.deepEqual(parts.slice(0, 3), ["user", "id=user", "restrict=on"]);
    assert.ok(parts.includes("hostfwd=tcp:127.0.0.1:2222-:22"));
    assert.deepEqual(
      parts.flatMap((part) => /^guestfwd=tcp:(\S+?)-cmd:.* (\d+)$/.exec(part)?.slice(1) ?? []),
      ["169.254.169.254:80", "4711", "168.63.129.16:80", "4712"],
    );
  });

  it("has no way out where there is none", () => {
    assert.ok(!userNetwork([]).join().includes("guestfwd"));
    assert.ok(userNetwork([]).includes("restrict=on"));
  });

  it("is reached by the wire alone, whose one end is the card's", () => {
    const args = networkArguments(2222, new Map(), wire);
    assert.deepEqual(
      args.filter((arg) => !arg.startsWith("-") && !arg.startsWith("user,")),
      [
        "socket,id=net,connect=127.0.0.1:4713",
        "hubport,id=hub-user,hubid=0,netdev=user",
        "socket,id=wire,connect=127.0.0.1:4714",
        "hubport,id=hub-wire,hubid=0,netdev=wire",
      ],
    );
  });
});
