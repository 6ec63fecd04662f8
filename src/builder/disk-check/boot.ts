/** What a bootloader and then the kernel find: kernel, initramfs, kernel line, modules. */
import { type Check, contains, equal, none } from "../../lib/checks.ts";
import type { DiskFacts } from "./facts.ts";
import { initramfsChecks, isModule, moduleName } from "./initramfs.ts";
import type { ExpectedDisk } from "./check-facts.ts";

const blockBytes = 4096;

export function bootChecks(facts: DiskFacts, expected: ExpectedDisk): Check[] {
  const { variant, kernel } = expected;
  const { paths, texts } = facts;
  const flavour = kernel.slice(kernel.lastIndexOf("-") + 1);
  const files = [`boot/vmlinuz-${flavour}`, `boot/initramfs-${flavour}`];
  const moduleFolders = [...paths.keys()]
    .filter((path) => /^(usr\/)?lib\/modules\/[^/]+$/.test(path) && paths.get(path)!.kind === "folder")
    .map((path) => path.replace(/.*\//, ""));
  const configuration = (path: string): string => (texts.get(path) ?? []).join("\n");
  const wantedOptions = [`modules=${variant.kernelModules.join(",")}`, ...variant.kernelOptions];
  const mkinitfs = configuration("etc/mkinitfs/mkinitfs.conf");
  const features = /^features="(.*)"$/m.exec(mkinitfs)?.[1]?.split(" ") ?? [];
  return [
    contains("kernels with modules", moduleFolders, [kernel], { others: false }),
    contains(
      "kernels in /boot",
      [...paths.keys()].filter((path) => /^boot\/(vmlinuz|initramfs)-/.test(path)),
      files,
      { others: false },
    ),
    // Of extlinux' own files too, as far as they are there.
    ...[...new Set([...files, ...facts.extents.keys()])].map((file) => holes(file, facts)),
    ...(variant.bootloader === "extlinux"
      ? [
          contains("files of the bootloader", paths.keys(), ["boot/ldlinux.sys", "boot/ldlinux.c32"], {
            others: true,
          }),
          kernelLine(
            "/boot/extlinux.conf",
            extlinuxLines(configuration("boot/extlinux.conf"), flavour),
            expected,
          ),
          equal(
            "root of the kernels to come, in /etc/update-extlinux.conf",
            /^root=(.*)$/m.exec(configuration("etc/update-extlinux.conf"))?.[1],
            "LABEL=/",
          ),
          equal(
            "modules of the kernels to come, in /etc/update-extlinux.conf",
            /^modules=(.*)$/m.exec(configuration("etc/update-extlinux.conf"))?.[1],
            variant.kernelModules.join(","),
          ),
          equal(
            "options of the kernels to come, in /etc/update-extlinux.conf",
            /^default_kernel_opts="(.*)"$/m.exec(configuration("etc/update-extlinux.conf"))?.[1],
            variant.kernelOptions.join(" "),
          ),
        ]
      : [
          kernelLine(
            "/boot/grub/grub.cfg",
            grubLines(configuration("boot/grub/grub.cfg"), flavour),
            expected,
          ),
          equal(
            "options of the kernels to come, in /etc/default/grub",
            /^GRUB_CMDLINE_LINUX_DEFAULT="(.*)"$/m.exec(configuration("etc/default/grub"))?.[1],
            wantedOptions.join(" "),
          ),
        ]),
    none(
      "modules that the kernel has not got",
      variant.kernelModules.filter((name) => !hasModule(facts, name)),
    ),
    contains(
      "features of the initramfs, in /etc/mkinitfs/mkinitfs.conf",
      features,
      ["base", ...variant.initfsFeatures],
      {
        others: true,
      },
    ),
    none(
      "features of the initramfs that mkinitfs does not know",
      features.filter(
        (name) => !["files", "modules"].some((kind) => paths.has(`etc/mkinitfs/features.d/${name}.${kind}`)),
      ),
    ),
    ...initramfsChecks(facts, variant, features),
    // Off during the build: users' kernel upgrades must make their initramfs.
    none("mkinitfs' trigger is off", /^disable_trigger=.*$/m.exec(mkinitfs) ?? []),
  ];
}

/** SYSLINUX fails to load a file that has holes, and mke2fs makes them of blocks of zeroes. */
function holes(file: string, { extents, paths }: DiskFacts): Check {
  const blocks = Math.ceil((paths.get(file)?.size ?? 0) / blockBytes);
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

/** Kernel, initramfs and options of each entry for a kernel. */
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

/** The declared options are in their order, whatever the bootloader's own program puts between them. */
function kernelLine(file: string, entries: readonly BootEntry[], { variant, kernel }: ExpectedDisk): Check {
  const [entry] = entries;
  const flavour = kernel.slice(kernel.lastIndexOf("-") + 1);
  const wanted = ["root=LABEL=/", `modules=${variant.kernelModules.join(",")}`, ...variant.kernelOptions];
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
