/** Installed packages, as reported by apk in a builder's guest. */
import { type InstalledPackage, installedPackageSchema } from "../../src/builder/sbom.ts";

const report = [
  {
    name: "openrc",
    version: "0.63-r1",
    arch: "x86_64",
    license: "BSD-2-Clause",
    origin: "openrc",
    description: "OpenRC manages the services",
    url: "https://github.com/OpenRC/openrc",
    depends: ["ifupdown-any", "/bin/sh", "so:libc.musl-x86_64.so.1", "!sysvinit"],
    provides: ["cmd:openrc=0.63-r1", "so:librc.so.1=1"],
  },
  {
    name: "busybox-binsh",
    version: "1.37.0-r30",
    arch: "x86_64",
    license: "GPL-2.0-only",
    origin: "busybox",
    depends: ["busybox=1.37.0-r30"],
    provides: ["/bin/sh", "cmd:sh=1.37.0-r30"],
  },
  {
    name: "busybox",
    version: "1.37.0-r30",
    arch: "x86_64",
    license: "GPL-2.0-only",
    origin: "busybox",
    depends: ["so:libc.musl-x86_64.so.1"],
    provides: ["cmd:busybox=1.37.0-r30"],
  },
  {
    name: "musl",
    version: "1.2.5-r23",
    arch: "x86_64",
    license: "MIT",
    origin: "musl",
    provides: ["so:libc.musl-x86_64.so.1=1"],
  },
  { name: "libstdc++", version: "15.2.0-r2", arch: "x86_64", license: "ISC AND custom", origin: "gcc" },
  {
    name: "cryptsetup-libs",
    version: "2.8.1-r0",
    arch: "x86_64",
    origin: "cryptsetup",
    license: "GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception",
  },
  { name: "tzdata", version: "2026f-r0", arch: "noarch", license: "Public-Domain", origin: "tzdata" },
  { name: ".build-deps", version: "20261101.120000" },
];

export const somePackages: readonly InstalledPackage[] = installedPackageSchema.array().parse(report);
