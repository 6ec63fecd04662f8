/** Compares the facts that a booted image reports with what its variant declares. */
import path from "node:path";
import type { Variant } from "../configuration/variant.ts";
import { type Check, none } from "../lib/checks.ts";
import { type BootCloud, tinyCloudOf } from "./boot-cloud.ts";
import type { Answered } from "./metadata/server.ts";

/** What the boot test expects of the image, besides what its variant declares. */
export interface Expectations {
  /** The image's cloud. */
  cloud: Pick<BootCloud, "name" | "dataSource" | "tinyCloud">;
  /** Tiny Cloud's names of all known clouds. */
  tinyClouds: readonly string[];
  hostname: string;
  /** `uname -r` of the installed kernel. */
  kernel: string;
  /** Size of the disk that the image was booted on: larger than the image, to check that the filesystem grows. */
  diskMib: number;
  /** What the user data writes. */
  nonce: string;
  /** Requests to the metadata services; undefined if the cloud has none. */
  requests: readonly Answered[] | undefined;
  /** Each `ADDRESS:PORT` that the guest must not reach. */
  forbidden: readonly string[];
  /** Connections that nevertheless reached this host's loopback. */
  hostConnections: number;
  /** The output of the serial console. */
  console: string;
}

/** A port of the guest itself, which must be open. This proves that the guest's test for open ports works. */
export const ownPort = "127.0.0.1:22";

/** Parses the output of boot-check: `NAME=VALUE` lines. */
export function parseFacts(output: string): Map<string, string> {
  const lines = output.split("\n").filter((line) => line.includes("="));
  return new Map(
    lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1).trim()]),
  );
}

/** Compares what a booted image reports about itself with what its variant declares. */
export function checkFacts(
  variant: Variant,
  expected: Expectations,
  facts: ReadonlyMap<string, string>,
): Check[] {
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
      // A filesystem's own overhead is well under a tenth.
      name: "root filesystem grown",
      passed: filesystemMib >= expected.diskMib * 0.9,
      found: `${filesystemMib} of ${expected.diskMib} MiB`,
    },
    terminalCheck(expected.console),
    equal("no failed services", fact("failed_services"), ""),
    // If an image trusted the key of the mirror it was built from, it would accept packages from there forever.
    equal("keys that apk trusts beside Alpine's", fact("added_keys"), keyNames(variant)),
    ...expectedServices(variant).map((service) =>
      equal(`service ${service}`, fact(`service.${service}`), "started"),
    ),
    equal("user data", fact("user_data"), expected.nonce),
    ...(expected.requests === undefined ? [] : [metadataCheck(expected.requests)]),
    ...dataSourceChecks(variant.bootstrap, expected, fact),
    isolationCheck(expected, fact),
    equal("all facts told", fact("end"), "yes"),
  ];
}

/** Checks that the guest got its data from its cloud's service, and asked for it as the cloud requires. */
function metadataCheck(requests: readonly Answered[]): Check {
  const answered = requests.filter(({ method, status }) => method === "GET" && status === 200);
  // Asking for data that does not exist is allowed. Any other refusal means that the guest asked wrongly.
  const refused = requests.filter(({ status }) => status >= 400 && status !== 404);
  return {
    name: "metadata service",
    passed: answered.length > 0 && refused.length === 0,
    found:
      refused.length === 0
        ? `${answered.length} answers`
        : `refused ${refused.map(({ method, url, status }) => `${method} ${url} (${status})`).join(", ")}`,
  };
}

/** Checks that an image asks only its own cloud. Otherwise anyone who answers at another's address could take it over. */
function dataSourceChecks(
  bootstrap: string,
  { cloud, tinyClouds }: Pick<Expectations, "cloud" | "tinyClouds">,
  fact: (name: string) => string,
): Check[] {
  if (bootstrap === "cloudinit") {
    const wanted = `["${cloud.dataSource}"]`;
    const found = fact("datasource_list");
    return [{ name: "data source", passed: found === wanted, found }];
  }
  if (bootstrap !== "tiny") return [];
  const clouds = fact("tiny_cloud_packages")
    .split(" ")
    .map((name) => name.replace(/^tiny-cloud-/, ""))
    .filter((name) => tinyClouds.includes(name));
  const passed = clouds.length === 1 && clouds[0] === tinyCloudOf(cloud);
  return [{ name: "data source", passed, found: clouds.join(" ") }];
}

/** Checks the bootloader's terminals. If one is missing, GRUB continues, but its menu is invisible. */
function terminalCheck(console: string): Check {
  const missing = console.match(/(serial port|terminal) `[^']*' isn't found/g) ?? [];
  return none(
    "terminals that the bootloader has not found",
    console === "" ? ["nothing: the console stayed empty"] : missing,
  );
}

/** Checks that the guest cannot reach this host, nor any metadata service except its own. */
function isolationCheck(expected: Expectations, fact: (name: string) => string): Check {
  const notClosed = expected.forbidden.filter((target) => fact(`reach.${target}`) !== "closed");
  const faults = [
    ...(fact(`reach.${ownPort}`) === "open" ? [] : [`its own ${ownPort} ${fact(`reach.${ownPort}`)}`]),
    ...notClosed.map((target) => `${target} ${fact(`reach.${target}`)}`),
    ...(expected.hostConnections === 0 ? [] : [`${expected.hostConnections} connections to the host`]),
  ];
  return {
    name: "reaches nothing of its host",
    passed: faults.length === 0 && expected.forbidden.length > 0,
    found: faults.length === 0 ? `${expected.forbidden.length} addresses closed` : faults.join(", "),
  };
}

/** Packages in the image that are stand-ins from the offline kit. The test does not cover the packages they replace. */
export function standInsOf(facts: ReadonlyMap<string, string>): string[] {
  return (facts.get("stand_ins") ?? "").split(" ").filter((name) => name !== "");
}

/** Key names in the form in which boot-check lists them. */
function keyNames({ repoKeys }: Variant): string {
  return repoKeys
    .map((file) => path.basename(file))
    .sort()
    .join(" ");
}

/** Services that a running system must have started: all enabled services, except those of runlevel shutdown. */
export function expectedServices(variant: Variant): string[] {
  return Object.entries(variant.services.enable)
    .filter(([runlevel]) => runlevel !== "shutdown")
    .flatMap(([, services]) => services)
    .sort();
}
