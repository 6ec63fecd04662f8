/**
 * Checks that the initramfs has its modules. No boot test has an Elastic Network Adapter, for example, so without this
 * check a missing driver would show only on AWS.
 */
import type { Variant } from "../../configuration/variant.ts";
import { type Check, none } from "../../lib/checks.ts";
import type { DiskFacts } from "../disk-reader/facts.ts";

/** @param features in mkinitfs.conf, including mkinitfs' own */
export function initramfsChecks(
  { paths, texts, builtinModules, initramfsModules }: DiskFacts,
  { kernelModules }: Variant,
  features: readonly string[],
): Check[] {
  const there = new Set([...initramfsModules].map(belowKernel));
  const patterns = features
    .flatMap((name) => texts.get(`etc/mkinitfs/features.d/${name}.modules`) ?? [])
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map(matcher);
  const asked = [...paths.keys()]
    .filter(isModule)
    .map(belowKernel)
    .filter((path) => patterns.some((pattern) => pattern.test(path)));
  const names = new Set([...[...there].map(moduleName), ...[...builtinModules].map(moduleName)]);
  return [
    none(
      "modules of its features missing from the initramfs",
      asked.filter((path) => !there.has(path)),
    ),
    none(
      "modules of the kernel line missing from the initramfs",
      kernelModules.filter((name) => !names.has(moduleName(name))),
    ),
  ];
}

/** Whether a file in the root filesystem is a kernel module. */
export const isModule = (path: string): boolean => /^(usr\/)?lib\/modules\/.*\.ko(\.\w+)?$/.test(path);

/** `lib/modules/6.18.56-0-virt/kernel/fs/ext4/ext4.ko.gz` → `kernel/fs/ext4/ext4.ko.gz`. */
function belowKernel(path: string): string {
  return path.replace(/^(.*\/)?modules\/[^/]+\//, "");
}

/** A module's name with underscores: files and options use dashes and underscores interchangeably. */
export function moduleName(path: string): string {
  return path
    .replace(/.*\//, "")
    .replace(/\.ko(\.\w+)?$/, "")
    .replaceAll("-", "_");
}

/** A line of a feature: a shell pattern that matches files, or folders with everything in them. */
function matcher(pattern: string): RegExp {
  const text = pattern
    .replace(/[.+^${}()|\\]/g, "\\$&")
    .replaceAll("*", "[^/]*")
    .replaceAll("?", "[^/]");
  return new RegExp(`^${text}(/.*)?$`);
}
