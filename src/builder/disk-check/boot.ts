/** Checks what the bootloader and the kernel need: kernel, initramfs, kernel line, modules. */
import type { Variant } from "../../configuration/variant.ts";
import { type Check, contains, equal, none } from "../../lib/checks.ts";
import type { DiskFacts } from "../disk-reader/facts.ts";
import { initramfsChecks, isModule, moduleName } from "./initramfs.ts";
import type { ExpectedDisk } from "./check-facts.ts";

export function bootChecks(facts: DiskFacts, expected: ExpectedDisk): Check[] {
  return [
    ...kernelChecks(facts, expected),
    ...(expected.variant.bootloader === "extlinux"
      ? extlinuxChecks(facts, expected)
      : grubChecks(facts, expected)),
    ...moduleChecks(facts, expected),
  ];
}

/** The kernel flavour, which is part of the file names in /boot: `virt`. */
const flavourOf = (kernel: string): string => kernel.slice(kernel.lastIndexOf("-") + 1);

const textOf = ({ texts }: DiskFacts, path: string): string => (texts.get(path) ?? []).join("\n");

function kernelChecks(facts: DiskFacts, { kernel }: ExpectedDisk): Check[] {
  const { paths, extents } = facts;
  const flavour = flavourOf(kernel);
  const files = [`boot/vmlinuz-${flavour}`, `boot/initramfs-${flavour}`];
  const moduleFolders = [...paths.keys()]
    .filter((path) => /^(usr\/)?lib\/modules\/[^/]+$/.test(path) && paths.get(path)!.kind === "folder")
    .map((path) => path.replace(/.*\//, ""));
  return [
    contains("kernels with modules", moduleFolders, [kernel], { others: false }),
    contains(
      "kernels in /boot",
      [...paths.keys()].filter((path) => /^boot\/(vmlinuz|initramfs)-/.test(path)),
      files,
      { others: false },
    ),
    // Includes extlinux' own files, if present.
    ...[...new Set([...files, ...extents.keys()])].map((file) => holes(file, facts)),
  ];
}

function extlinuxChecks(facts: DiskFacts, expected: ExpectedDisk): Check[] {
  const { variant, kernel } = expected;
  const toCome = textOf(facts, "etc/update-extlinux.conf");
  return [
    contains("files of the bootloader", facts.paths.keys(), ["boot/ldlinux.sys", "boot/ldlinux.c32"], {
      others: true,
    }),
    kernelLine(
      "/boot/extlinux.conf",
      extlinuxLines(textOf(facts, "boot/extlinux.conf"), flavourOf(kernel)),
      expected,
    ),
    equal(
      "root for future kernels, in /etc/update-extlinux.conf",
      /^root=(.*)$/m.exec(toCome)?.[1],
      "LABEL=/",
    ),
    equal(
      "modules for future kernels, in /etc/update-extlinux.conf",
      /^modules=(.*)$/m.exec(toCome)?.[1],
      variant.kernelModules.join(","),
    ),
    equal(
      "options for future kernels, in /etc/update-extlinux.conf",
      /^default_kernel_opts="(.*)"$/m.exec(toCome)?.[1],
      variant.kernelOptions.join(" "),
    ),
  ];
}

function grubChecks(facts: DiskFacts, expected: ExpectedDisk): Check[] {
  const { variant, kernel } = expected;
  return [
    kernelLine(
      "/boot/grub/grub.cfg",
      grubLines(textOf(facts, "boot/grub/grub.cfg"), flavourOf(kernel)),
      expected,
    ),
    equal(
      "options for future kernels, in /etc/default/grub",
      /^GRUB_CMDLINE_LINUX_DEFAULT="(.*)"$/m.exec(textOf(facts, "etc/default/grub"))?.[1],
      [modulesOption(variant), ...variant.kernelOptions].join(" "),
    ),
  ];
}

function moduleChecks(facts: DiskFacts, { variant }: ExpectedDisk): Check[] {
  const mkinitfs = textOf(facts, "etc/mkinitfs/mkinitfs.conf");
  const features = /^features="(.*)"$/m.exec(mkinitfs)?.[1]?.split(" ") ?? [];
  const isKnown = (feature: string): boolean =>
    ["files", "modules"].some((kind) => facts.paths.has(`etc/mkinitfs/features.d/${feature}.${kind}`));
  return [
    none(
      "modules missing from the kernel",
      variant.kernelModules.filter((name) => !hasModule(facts, name)),
    ),
    contains(
      "features of the initramfs, in /etc/mkinitfs/mkinitfs.conf",
      features,
      ["base", ...variant.initfsFeatures],
      { others: true },
    ),
    none(
      "features of the initramfs that mkinitfs does not know",
      features.filter((name) => !isKnown(name)),
    ),
    ...initramfsChecks(facts, variant, features),
    // The trigger is off only during the build: kernel upgrades on an instance must make an initramfs.
    none("mkinitfs' trigger is off", /^disable_trigger=.*$/m.exec(mkinitfs) ?? []),
  ];
}

const modulesOption = ({ kernelModules }: Pick<Variant, "kernelModules">): string =>
  `modules=${kernelModules.join(",")}`;

/** SYSLINUX cannot load a file that has holes, and mke2fs turns blocks of zeroes into holes. */
function holes(file: string, { extents, paths, filesystem }: DiskFacts): Check {
  const blocks = Math.ceil((paths.get(file)?.size ?? 0) / filesystem.blockSize);
  let next = 0;
  for (const [first, last] of extents.get(file) ?? []) {
    if (first !== next) break;
    next = last + 1;
  }
  return {
    name: `/${file} has no holes`,
    passed: blocks > 0 && next >= blocks,
    found: next >= blocks ? `${blocks} blocks` : `${blocks} blocks, a hole at block ${next}`,
  };
}

/** The initramfs and options of a bootloader entry. */
type BootEntry = { initramfs: string | undefined; options: string };

function extlinuxLines(configuration: string, flavour: string): BootEntry[] {
  return configuration
    .split(/^LABEL /m)
    .filter((entry) => new RegExp(`^\\s*LINUX vmlinuz-${flavour}$`, "m").test(entry))
    .map((entry) => ({
      initramfs: /^\s*INITRD (.*)$/m.exec(entry)?.[1],
      options: /^\s*APPEND (.*)$/m.exec(entry)?.[1] ?? "",
    }));
}

function grubLines(configuration: string, flavour: string): BootEntry[] {
  return configuration
    .split(/^\s*menuentry /m)
    .map((entry) => ({
      kernel: /^\s*linux\s+\/boot\/vmlinuz-(\S+)(.*)$/m.exec(entry),
      initramfs: /^\s*initrd\s+\/boot\/(.*)$/m.exec(entry)?.[1],
    }))
    .filter(({ kernel }) => kernel?.[1] === flavour)
    .map(({ kernel, initramfs }) => ({ initramfs, options: kernel![2]! }));
}

/** Checks that the declared options are in order, whatever the bootloader's tools put between them. */
function kernelLine(file: string, entries: readonly BootEntry[], { variant, kernel }: ExpectedDisk): Check {
  const [entry] = entries;
  const flavour = flavourOf(kernel);
  const wanted = ["root=LABEL=/", modulesOption(variant), ...variant.kernelOptions];
  const found = (entry?.options ?? "").split(/\s+/).filter(Boolean);
  const asked = found.filter(
    (option) => wanted.includes(option) || /^(root|modules|init|console)=/.test(option),
  );
  return {
    name: `kernel line of ${file}`,
    passed:
      entries.length === 1 &&
      entry?.initramfs === `initramfs-${flavour}` &&
      asked.join(" ") === wanted.join(" "),
    found:
      entry === undefined
        ? `no entry for vmlinuz-${flavour}`
        : `${found.join(" ")} with ${entry.initramfs ?? "no initramfs"}, in ${entries.length} entries; wanted: ${wanted.join(" ")}`,
  };
}

function hasModule({ paths, builtinModules }: DiskFacts, name: string): boolean {
  const same = (other: string): boolean => moduleName(other) === moduleName(name);
  return [...builtinModules].some(same) || [...paths.keys()].some((path) => isModule(path) && same(path));
}
