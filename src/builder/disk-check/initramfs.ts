/**
 * Whether the initramfs has the modules that it is there for: no test here boots from an Elastic Network Adapter, so that
 * its driver is missing would show on AWS alone.
 */
import type { Variant } from "../../configuration/variant.ts";
import { type Check, none } from "../../lib/checks.ts";
import type { DiskFacts } from "./facts.ts";

/** @param features of mkinitfs.conf, those that mkinitfs has of itself included */
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
      "modules of its features that the initramfs has not got",
      asked.filter((path) => !there.has(path)),
    ),
    none(
      "modules of the kernel line that the initramfs has not got",
      kernelModules.filter((name) => !names.has(moduleName(name))),
    ),
  ];
}

/** Whether a file of the root filesystem is a module of the kernel's. */
export const isModule = (path: string): boolean => /^(usr\/)?lib\/modules\/.*\.ko(\.\w+)?$/.test(path);

/** `lib/modules/6.18.56-0-virt/kernel/fs/ext4/ext4.ko.gz`: `kernel/fs/ext4/ext4.ko.gz`. */
function belowKernel(path: string): string {
  return path.replace(/^(.*\/)?modules\/[^/]+\//, "");
}

/** Modules are named with dashes or underscores, as their authors liked. */
export function moduleName(path: string): string {
  return path
    .replace(/.*\//, "")
    .replace(/\.ko(\.\w+)?$/, "")
    .replaceAll("-", "_");
}

/** A line of a feature: a shell's pattern of files, or of folders with all that is below them. */
function matcher(pattern: string): RegExp {
  const text = pattern
    .replace(/[.+^${}()|\\]/g, "\\$&")
    .replaceAll("*", "[^/]*")
    .replaceAll("?", "[^/]");
  return new RegExp(`^${text}(/.*)?$`);
}
