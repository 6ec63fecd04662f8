/** A variant, as plain data, with only what matters to a test named in the test. */
import { type Variant, variantSchema } from "../../src/configuration/variant.ts";

export function someVariant(changes: Partial<Variant> = {}): Variant {
  return variantSchema.parse({
    ...{
      imageKey: "3.23.6-x86_64-bios-tiny-nocloud",
      configKey: "3.23-x86_64-bios-tiny-nocloud",
      revision: 0,
    },
    dimensions: { version: "3.23", arch: "x86_64", firmware: "bios", bootstrap: "tiny", cloud: "nocloud" },
    ...{ version: "3.23", release: "3.23.6", arch: "x86_64", firmware: "bios" },
    ...{ bootstrap: "tiny", cloud: "nocloud", name: "nocloud_alpine-3.23.6-x86_64-bios-tiny-r0" },
    description: "Alpine Linux 3.23.6",
    project: "https://alpinelinux.org/cloud",
    endOfLife: "2027-11-01",
    releaseDate: "2026-10-01",
    repos: [{ url: "https://dl-cdn.alpinelinux.org/alpine/v3.23/main", enabled: true }],
    repoKeys: [],
    packages: { add: ["alpine-base", "doas"], delete: [], noScripts: [] },
    basePackages: [],
    services: { enable: { boot: ["syslog"], default: ["sshd"], shutdown: ["killprocs"] }, disable: {} },
    kernelModules: ["ext4"],
    kernelOptions: ["console=tty0", "console=ttyS0,115200n8"],
    initfsFeatures: ["ext4"],
    motd: "Welcome",
    ntpServer: "",
    login: "alpine",
    bootloader: "extlinux",
    diskSizeMib: 116,
    scripts: ["setup"],
    scriptDirs: [],
    imageFormat: "qcow2",
    encrypted: false,
    storageUrl: "file:///nowhere",
    downloadUrl: "https://dl-cdn.alpinelinux.org/alpine",
    access: { PUBLIC: true },
    regions: { ALL: true },
    ...{ archName: "x86_64", firmwareName: "BIOS", bootstrapName: "Tiny Cloud", cloudName: "NoCloud" },
    bootstrapUrl: "https://gitlab.alpinelinux.org/alpine/cloud/tiny-cloud",
    titles: {},
    ...changes,
  });
}
