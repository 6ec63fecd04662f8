import { askedBy } from "../configuration/origin.ts";
import { loadConfiguration } from "../configuration/load.ts";
import { suggest } from "../configuration/source.ts";
import type { Variant } from "../configuration/variant.ts";
import { UserError } from "../lib/user-error.ts";
import { projectRoot } from "../lib/workspace.ts";
import { withoutVersion } from "./apk-index.ts";
import type { Repository } from "./mirror.ts";

/** Field and keys of something that layers can ask for: `["services", "default", "sshd"]`. */
export type Request = readonly [string, ...string[]];

/** Says where the layer is that asks for something; undefined where no layer of this checkout does. */
export type WhoAsks = (request: Request) => string | undefined;

/** Who asks for the parts of a variant, by this checkout's layers and these overlays. */
export function whoAsksIn(variant: Variant, overlays: readonly string[], root = projectRoot): WhoAsks {
  const config = loadConfiguration(root, overlays);
  return (request) => askedBy(config, variant.dimensions, request);
}

/**
 * Checks that there is every package that a variant names, before a guest boots: apk would say it minutes later.
 * What packages need in turn is left to apk.
 */
export function checkPackages(variant: Variant, repositories: readonly Repository[], whoAsks: WhoAsks): void {
  let where: string | undefined;
  const missing = [...variant.packages.add, ...variant.packages.noScripts].flatMap((request) => {
    const [dependency = "", tag] = request.split("@");
    // `linux-virt~6.18` is a package of this name, too
    const name = withoutVersion(dependency);
    const entries = repositories
      .filter((repository) => repository.tag === undefined || repository.tag === tag)
      .flatMap((repository) => repository.entries);
    if (entries.some((entry) => entry.name === name || entry.provides.includes(name))) return [];
    const place = whoAsks(["packages", dependency]);
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
export function requestLines(variant: Variant, whoAsks: WhoAsks): string {
  const { enable, disable } = variant.services;
  const services = [enable, disable].flatMap((levels) =>
    Object.entries(levels).flatMap(([level, names]) =>
      names.map((name): Request => ["services", level, name]),
    ),
  );
  const requests = [
    ...services,
    ...variant.kernelModules.map((name): Request => ["kernelModules", name]),
    ...variant.initfsFeatures.map((name): Request => ["initfsFeatures", name]),
  ];
  return requests
    .flatMap((request) => {
      const place = whoAsks(request);
      return place === undefined ? [] : `${request.join(".")} ${place}\n`;
    })
    .join("");
}
