/** Checks that what a variant requests exists. */
import { suggest } from "../configuration/source.ts";
import type { Variant } from "../configuration/variant.ts";
import { UserError } from "../lib/user-error.ts";
import { withoutVersion } from "./apk-index.ts";
import type { Repository } from "./mirror.ts";

/**
 * Checks, before a guest boots, that every package that a variant names exists: apk would only fail minutes later.
 * Dependencies are left to apk. Variants from older versions of this program have no origins to put in the message.
 */
export function checkPackages(variant: Variant, repositories: readonly Repository[]): void {
  let where: string | undefined;
  const missing = [...variant.packages.add, ...variant.packages.noScripts].flatMap((request) => {
    const [dependency = "", tag] = request.split("@");
    // Removes a version constraint, as in `linux-virt~6.18`.
    const name = withoutVersion(dependency);
    const entries = repositories
      .filter((repository) => repository.tag === undefined || repository.tag === tag)
      .flatMap((repository) => repository.entries);
    if (entries.some((entry) => entry.name === name || entry.provides.includes(name))) return [];
    const place = variant.origins?.packages[dependency];
    where ??= place;
    const names = entries.map((entry) => entry.name);
    return `${variant.name}: no repository has package "${request}"${place === undefined ? "" : `, which ${place} asks for`}${suggest(name, names)}`;
  });
  if (missing.length === 0) return;
  const urls = repositories.map(({ declaredUrl }) => declaredUrl).join(", ");
  throw new UserError(
    "package-missing",
    missing.join("\n"),
    `correct the name, or add the repository that has it to \`repos\` (currently ${urls})`,
    { where },
  );
}

/**
 * The same for what only the guest can check, once packages are installed: services, kernel modules and initramfs
 * features. Returns one line for each, `FIELD.KEY PLACE`, for the guest script asked-by.
 */
export function requestLines({ services, kernelModules, initfsFeatures, origins }: Variant): string {
  if (origins === undefined) return "";
  const line = (request: string, place: string | undefined): string =>
    place === undefined ? "" : `${request} ${place}\n`;
  const ofServices = [services.enable, services.disable].flatMap((levels) =>
    Object.entries(levels).flatMap(([level, names]) =>
      names.map((name) => line(`services.${level}.${name}`, origins.services[level]?.[name])),
    ),
  );
  return [
    ...ofServices,
    ...kernelModules.map((name) => line(`kernelModules.${name}`, origins.kernelModules[name])),
    ...initfsFeatures.map((name) => line(`initfsFeatures.${name}`, origins.initfsFeatures[name])),
  ].join("");
}
