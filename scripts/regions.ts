/** `npm run regions`: the clouds' lists of regions, kept in git. A region is never dropped because a look-up missed it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { isMap, isSeq, type YAMLSeq } from "yaml";
import { readRegions } from "../src/configuration/regions.ts";
import { ConfigError, readSource, suggest } from "../src/configuration/source.ts";
import type { ErrorCode } from "../src/lib/error-codes.ts";
import { printing, runCommand, type Output } from "../src/lib/command.ts";
import { projectRoot } from "../src/lib/workspace.ts";
import { read } from "../src/releases/upstream.ts";

interface Lookup {
  /** Public, without credentials; none for a cloud that has no such list. */
  url?: string;
  /** Names of regions in what the URL, or a file in its place, holds. */
  names(data: unknown): string[];
}

const strings = (values: unknown[]): string[] =>
  values.filter((value): value is string => typeof value === "string");
const each = (list: unknown, key: string): unknown[] =>
  Array.isArray(list) ? list.map((item: Record<string, unknown>) => item[key]) : [];
const field = (data: unknown, key: string): unknown => (data as Record<string, unknown> | null)?.[key];

export const lookups: Record<string, Lookup> = {
  aws: {
    url: "https://ip-ranges.amazonaws.com/ip-ranges.json",
    // the partitions of governments and of China are other accounts
    names: (data) =>
      strings(each(field(data, "prefixes"), "region")).filter(
        (name) => !/^(GLOBAL|us-gov-|us-iso|cn-|eusc-)/.test(name),
      ),
  },
  azure: {
    names: (data) =>
      (Array.isArray(data) ? data : [])
        .filter((one) => field(field(one, "metadata"), "regionType") === "Physical")
        .flatMap((one) => strings([field(one, "name")])),
  },
  gcp: {
    url: "https://www.gstatic.com/ipranges/cloud.json",
    names: (data) => strings(each(field(data, "prefixes"), "scope")).filter((name) => name !== "global"),
  },
  oci: {
    url: "https://docs.oracle.com/iaas/tools/public_ip_ranges.json",
    names: (data) => strings(each(field(data, "regions"), "region")),
  },
};

export interface RegionsOptions {
  root: string;
  /** `CLOUD=URL-or-file`, in place of the cloud's own URL. */
  from?: string[];
  /** Regions to take out. */
  drop?: string[];
  dryRun?: boolean;
}

const FILE = "configs/regions.yaml";

export async function updateRegions(
  clouds: readonly string[],
  { root, from = [], drop = [], dryRun }: RegionsOptions,
): Promise<Output> {
  const places = new Map(from.map((text) => [text.split("=")[0]!, text.slice(text.indexOf("=") + 1)]));
  const asked =
    clouds.length > 0
      ? clouds
      : from.length > 0
        ? [...places.keys()]
        : Object.keys(lookups).filter((cloud) => lookups[cloud]!.url);
  const unknown = [...asked, ...places.keys()].find((cloud) => !(cloud in lookups));
  if (unknown !== undefined)
    throw mistake(
      "unknown-cloud",
      unknown,
      `no look-up of this cloud's regions${suggest(unknown, Object.keys(lookups))}`,
    );

  const known = readRegions(root);
  const document = readSource(join(root, FILE), FILE).document!;
  const did: string[] = [];
  const warnings: string[] = [];
  for (const cloud of asked) {
    const place = places.get(cloud) ?? lookups[cloud]!.url;
    if (place === undefined)
      throw mistake("unknown-cloud", cloud, `has no public list: give one with --from ${cloud}=FILE`);
    const found = [...new Set(lookups[cloud]!.names(parsed(place, await read(place))))].sort();
    if (found.length === 0)
      throw mistake("upstream-invalid", place, "names no region: is it another document?");
    const before = (known[cloud] ?? []).map(({ name }) => name);
    const added = found.filter((name) => !before.includes(name));
    const missed = before.filter((name) => !found.includes(name) && !drop.includes(name));
    if (missed.length > 0)
      warnings.push(`${cloud}: kept, though not found: ${missed.join(", ")}; take out with --drop REGION`);
    const dropped = before.filter((name) => drop.includes(name));
    if (added.length > 0) did.push(`${cloud}: added ${added.join(", ")}`);
    if (dropped.length > 0) did.push(`${cloud}: dropped ${dropped.join(", ")}`);
    if (!isSeq(document.get(cloud, true))) document.set(cloud, document.createNode([]));
    const list = document.get(cloud, true) as YAMLSeq;
    list.items = list.items.filter((item) => !drop.includes(regionOf(item)));
    for (const name of added) list.add(document.createNode(name));
    list.items.sort((a, b) => (regionOf(a) < regionOf(b) ? -1 : 1));
  }
  if (did.length === 0) return { text: `${FILE}: nothing to do`, warnings };
  if (!dryRun) writeFileSync(join(root, FILE), document.toString({ lineWidth: 0 }));
  return {
    text: [...did, `${FILE}: ${dryRun ? "not written (--dry-run)" : "written"}`].join("\n"),
    warnings,
  };
}

/** The region that an item of a list names, whatever it says of it. */
const regionOf = (item: unknown): string =>
  String(isMap(item) ? (item.get("bestEffort") ?? item.get("leaving")) : item);

const mistake = (code: ErrorCode, path: string, message: string) =>
  new ConfigError([{ code, file: "regions", path, message }]);

function parsed(place: string, text: Buffer): unknown {
  try {
    return JSON.parse(text.toString("utf8"));
  } catch {
    throw mistake("upstream-invalid", place, "isn't JSON");
  }
}

export function listRegions({ root }: RegionsOptions): Output {
  const lines = Object.entries(readRegions(root)).map(([cloud, regions]) => {
    const names = regions.map(({ name, bestEffort, leaving }) =>
      leaving === true ? `${name}-` : bestEffort ? `${name}?` : name,
    );
    return `${cloud} (${names.length}): ${names.join(" ")}`;
  });
  return { text: lines.join("\n"), warnings: [] };
}

if (process.argv[1] === import.meta.filename) {
  const program = new Command("regions").description(
    "The clouds' lists of regions, in configs/regions.yaml.",
  );
  const root = ["--root <dir>", "the project's folder", projectRoot] as const;
  program
    .command("list")
    .option(...root)
    .action(printing(listRegions));
  program
    .command("update [cloud...]")
    .description("add regions that are new; tell of those that are no longer found")
    .option("--from <cloud=place...>", "URL or file in place of the cloud's own list")
    .option("--drop <region...>", "take these out")
    .option("--dry-run", "only say what would be done")
    .option(...root)
    .action(printing(updateRegions));
  await runCommand(program);
}
