import { suggest } from "../configuration/source.ts";
import type { Variant } from "../configuration/variant.ts";
import { UserError } from "../lib/user-error.ts";
import { withoutVersion } from "./apk-index.ts";
import type { Repository } from "./mirror.ts";

/**
 * Checks that there is every package that a variant names, before a guest boots: apk would say it minutes later.
 * What packages need in turn is left to apk. A variant of an older version has no origins: the message names none then.
 */
export function checkPackages(variant: Variant, repositories: readonly Repository[]): void {
  let where: string | undefined;
  const missing = [...variant.packages.add, ...variant.packages.noScripts].flatMap((request) => {
    const [dependency = "", tag] = request.split("@");
    // `linux-virt~6.18` is a package of this name, too
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
    `correct the name, or add the repository that has it to \`repos\` (now ${urls})`,
    { where },
  );
}

/**
 * The same for what only the guest can check, when packages are installed: services, kernel modules, features of the
 * initramfs. One line each, `FIELD.KEY PLACE`, for the guest's script asked-by.
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
