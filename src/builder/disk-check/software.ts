/** Checks packages, repositories, keys and services. */
import { type Check, contains, equal, none } from "../../lib/checks.ts";
import type { DiskFacts } from "../disk-reader/facts.ts";
import type { ExpectedDisk } from "./check-facts.ts";

export function packageChecks(
  facts: DiskFacts,
  { variant, packages, repoKeys, customized }: ExpectedDisk,
): Check[] {
  const { add, noScripts } = variant.packages;
  const asked = [...new Set([...add, ...noScripts])];
  const installed = [...facts.packages].map(([name, version]) => `${name}-${version}`);
  const line = ({ url, tag, enabled }: (typeof variant.repos)[number]): string =>
    [enabled ? "" : "#", tag === undefined ? "" : `@${tag} `, url].join("");
  const keyFolder = "etc/apk/keys/";
  const keys = [...facts.paths.keys()].filter((path) => path.startsWith(keyFolder));
  return [
    contains(
      "installed packages",
      installed,
      packages.map(({ name, version }) => `${name}-${version}`),
      { others: false },
    ),
    contains("packages asked for, in /etc/apk/world", facts.texts.get("etc/apk/world") ?? [], asked, {
      others: customized,
    }),
    contains("packages asked for that are installed", facts.packages.keys(), asked.map(untagged), {
      others: true,
    }),
    none(
      "deleted packages that are installed",
      variant.packages.delete.map(untagged).filter((name) => facts.packages.has(name)),
    ),
    equal(
      "/etc/apk/repositories",
      (facts.texts.get("etc/apk/repositories") ?? []).join("\n"),
      variant.repos.map(line).join("\n"),
    ),
    // If an image trusted the key of the mirror it was built from, it would accept packages from there forever.
    contains(
      "keys that apk trusts beside Alpine's",
      keys
        .filter((path) => !facts.owned.has(path))
        .map((path) => `${path.slice(keyFolder.length)} ${facts.sums.get(path)}`),
      Object.entries(repoKeys).map(([name, sum]) => `${name} ${sum}`),
      { others: false },
    ),
  ];
}

function untagged(name: string): string {
  return name.replace(/@.*/, "");
}

/** Services that a bootstrap's own program enables. They differ between versions. */
const bootstrapServices: Record<string, RegExp> = {
  tiny: /^tiny-cloud(-\w+)?$/,
  cloudinit: /^cloud-(init|config|final)(-\w+)*$/,
};

export function serviceChecks(facts: DiskFacts, { variant, customized }: ExpectedDisk): Check[] {
  const { enable, disable } = variant.services;
  const ofBootstrap = bootstrapServices[variant.bootstrap] ?? /^$/;
  const enabled = [...facts.links.keys()].flatMap((path) => {
    const [, runlevel, service] = /^etc\/runlevels\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
    return runlevel === undefined ? [] : [{ path, runlevel, service: service! }];
  });
  const runlevels = new Set([...Object.keys(enable), ...enabled.map(({ runlevel }) => runlevel)]);
  return [
    ...[...runlevels].sort().map((runlevel) => {
      const wanted = enable[runlevel] ?? [];
      const found = enabled
        .filter((one) => one.runlevel === runlevel)
        .map(({ service }) => service)
        .filter((service) => wanted.includes(service) || !ofBootstrap.test(service));
      return contains(`services of runlevel ${runlevel}`, found, wanted, { others: customized });
    }),
    none(
      "disabled services that are enabled",
      Object.entries(disable).flatMap(([runlevel, services]) =>
        services.filter((service) => facts.links.has(`etc/runlevels/${runlevel}/${service}`)),
      ),
    ),
    none(
      "enabled services without a program",
      enabled
        .filter(({ path, service }) => {
          const program = facts.paths.get(`etc/init.d/${service}`);
          return facts.links.get(path) !== `/etc/init.d/${service}` || ((program?.mode ?? 0) & 0o111) === 0;
        })
        .map(({ service }) => service),
    ),
    ...(variant.bootstrap in bootstrapServices
      ? [
          equal(
            `services of ${variant.bootstrapName}`,
            enabled.some(({ service }) => ofBootstrap.test(service)) ? "enabled" : "none",
            "enabled",
          ),
        ]
      : []),
  ];
}
