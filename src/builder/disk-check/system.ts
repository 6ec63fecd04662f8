/** Checks the configuration of the system and of its bootstrap. */
import { type Check, contains, equal, none } from "../../lib/checks.ts";
import type { DiskFacts } from "../disk-reader/facts.ts";
import type { ExpectedDisk } from "./check-facts.ts";

/** Lines without comments and blank lines, with words separated by one space. */
function settings({ texts }: DiskFacts, path: string): string[] {
  return (texts.get(path) ?? [])
    .map((line) => line.replace(/#.*/, "").trim().replace(/\s+/g, " "))
    .filter((line) => line !== "");
}

export function systemChecks(facts: DiskFacts, expected: ExpectedDisk): Check[] {
  const { variant, customized } = expected;
  const text = (path: string): string => (facts.texts.get(path) ?? []).join("\n");
  const mounts = settings(facts, "etc/fstab").map((line) => line.split(" ").slice(0, 3).join(" "));
  const wantedMounts = [
    "LABEL=/ / ext4",
    ...(variant.firmware === "uefi" ? ["LABEL=EFI /boot/efi vfat"] : []),
  ];
  const terminals = settings(facts, "etc/inittab").flatMap(
    (line) => /^(tty\w+):.*getty/.exec(line)?.[1] ?? [],
  );
  const interfaces = ["auto lo", "iface lo inet loopback", "auto eth0", "iface eth0 inet dhcp"];
  return [
    ...(variant.version === "edge"
      ? []
      : [equal("/etc/alpine-release", text("etc/alpine-release"), variant.release)]),
    equal("/etc/motd", text("etc/motd"), expected.motd),
    ...(customized
      ? []
      : [
          equal("/etc/hostname", text("etc/hostname"), "localhost"),
          equal(
            "/etc/network/interfaces",
            settings(facts, "etc/network/interfaces").join("; "),
            interfaces.join("; "),
          ),
        ]),
    contains("filesystems of /etc/fstab", mounts, wantedMounts, { others: customized }),
    contains("terminals with a login, in /etc/inittab", terminals, [expected.console], {
      others: customized,
    }),
    ...timeServer(facts, expected),
    ...becomingRoot(facts, expected),
    ...bootstrapChecks(facts, expected),
  ];
}

function timeServer(facts: DiskFacts, { variant: { ntpServer } }: ExpectedDisk): Check[] {
  if (ntpServer === "") return [];
  const sources = settings(facts, "etc/chrony/chrony.conf").flatMap(
    (line) => /^((?:server|pool|peer) \S+)/.exec(line)?.[1] ?? [],
  );
  return [
    contains("time servers of /etc/chrony/chrony.conf", sources, [`server ${ntpServer}`], { others: false }),
  ];
}

/** Rules that let the group wheel become root without a password, because no user has one. */
function becomingRoot(facts: DiskFacts, { variant }: ExpectedDisk): Check[] {
  const rules: [string, string, string][] = [
    ["doas", "etc/doas.d/wheel.conf", "permit nopass :wheel"],
    ["sudo", "etc/sudoers.d/wheel", "%wheel ALL=(ALL) NOPASSWD: ALL"],
  ];
  const asked = [...variant.packages.add, ...variant.packages.noScripts];
  return rules
    .filter(([program]) => asked.some((name) => name === program || name.startsWith(`${program}@`)))
    .map(([program, path, rule]) =>
      contains(`rules of ${program}, in /${path}`, settings(facts, path), [rule], { others: false }),
    );
}

function bootstrapChecks(facts: DiskFacts, { variant, dataSource }: ExpectedDisk): Check[] {
  if (variant.bootstrap === "tiny") {
    const users = ["etc/tiny-cloud.conf", "etc/conf.d/tiny-cloud"]
      .flatMap((path) => settings(facts, path))
      .filter((line) => line.startsWith("CLOUD_USER="));
    return [equal("user of Tiny Cloud", users.join(", "), `CLOUD_USER=${variant.login}`)];
  }
  if (variant.bootstrap === "cloudinit") {
    const lines = settings(facts, "etc/cloud/cloud.cfg");
    // The last one counts.
    const source = lines.findLast((line) => line.startsWith("datasource_list:")) ?? "";
    return [
      equal("data source of cloud-init", source.replaceAll("'", '"'), `datasource_list: ["${dataSource}"]`),
      none(
        "users that cloud-init would lock",
        lines.filter((line) => /^lock_passwd: true$/i.test(line)),
      ),
    ];
  }
  return [];
}
