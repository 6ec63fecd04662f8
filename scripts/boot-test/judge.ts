import path from "node:path";
import type { Variant } from "../../configs/variant.ts";

/** One thing a booted image has to show. */
export interface Check {
  name: string;
  passed: boolean;
  /** What was found, for a person who reads why an image failed. */
  found: string;
}

/** What the boot test asked of the image, besides what its variant declares. */
export interface Expectations {
  hostname: string;
  /** `uname -r` of the kernel that was installed. */
  kernel: string;
  /** Size of the disk the image was booted on, larger than the image, so that growing shows. */
  diskMib: number;
}

/** Facts of guest boot-check: `NAME=VALUE` lines. */
export function parseFacts(output: string): Map<string, string> {
  const lines = output.split("\n").filter((line) => line.includes("="));
  return new Map(
    lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1).trim()]),
  );
}

/** Compares what a booted image says of itself with what its variant declares. */
export function judge(variant: Variant, expected: Expectations, facts: ReadonlyMap<string, string>): Check[] {
  const fact = (name: string): string => facts.get(name) ?? "(nothing)";
  const equal = (name: string, found: string, wanted: string): Check => ({
    name,
    passed: found === wanted,
    found: found === wanted ? found : `${found}, not ${wanted}`,
  });
  const commandLine = fact("command_line").split(" ");
  const missingOptions = variant.kernelOptions.filter((option) => !commandLine.includes(option));
  const escalation = variant.packages.add.some((name) => /^doas(@|$)/.test(name)) ? "doas" : "sudo";
  const filesystemMib = Math.round(Number(fact("root_filesystem_kib")) / 1024);
  return [
    equal("hostname", fact("hostname"), expected.hostname),
    equal("login", fact("user"), variant.login),
    equal(escalation, fact(`${escalation}_user`), "root"),
    {
      name: "root locked",
      passed: fact("root_password").startsWith("!"),
      found: fact("root_password").slice(0, 2),
    },
    equal("kernel", fact("kernel"), expected.kernel),
    equal("machine", fact("machine"), variant.arch),
    ...(variant.version === "edge" ? [] : [equal("release", fact("release"), variant.release)]),
    {
      name: "kernel options",
      passed: missingOptions.length === 0,
      found:
        missingOptions.length === 0 ? variant.kernelOptions.join(" ") : `without ${missingOptions.join(" ")}`,
    },
    {
      // What a filesystem keeps for itself is well under a tenth.
      name: "root filesystem grown",
      passed: filesystemMib >= expected.diskMib * 0.9,
      found: `${filesystemMib} of ${expected.diskMib} MiB`,
    },
    equal("no failed services", fact("failed_services"), ""),
    // An image that trusts the key of the mirror it was built from would take packages from there for ever.
    equal("keys that apk trusts beside Alpine's", fact("added_keys"), keyNames(variant)),
    ...expectedServices(variant).map((service) =>
      equal(`service ${service}`, fact(`service.${service}`), "started"),
    ),
    equal("all facts told", fact("end"), "yes"),
  ];
}

/** As boot-check lists them. */
function keyNames({ repoKeys }: Variant): string {
  return repoKeys
    .map((file) => path.basename(file))
    .sort()
    .join(" ");
}

/** Services that a running system must have started: all that are enabled except those of the shutdown. */
export function expectedServices(variant: Variant): string[] {
  return Object.entries(variant.services.enable)
    .filter(([runlevel]) => runlevel !== "shutdown")
    .flatMap(([, services]) => services)
    .sort();
}
