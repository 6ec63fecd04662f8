/** Updates and lists the clouds' regions, which are in git. A lookup that misses a region never drops it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { isMap, isSeq, type YAMLSeq } from "yaml";
import { readRegions } from "../configuration/regions.ts";
import { ConfigError, readSource, suggest } from "../configuration/source.ts";
import type { ErrorCode } from "../lib/error-codes.ts";
import type { Output } from "../lib/command.ts";
import { read } from "../releases/upstream.ts";
import type { RegionLookup } from "./region-lookup.ts";

/** A cloud, as `npm run regions` sees it. */
export interface CloudWithRegions {
  readonly name: string;
  readonly regions?: RegionLookup;
}

export interface RegionsOptions {
  root: string;
  /** `CLOUD=URL-or-file`, to replace the cloud's URL. */
  from?: string[];
  /** Regions to remove. */
  drop?: string[];
  dryRun?: boolean;
}

const FILE = "configs/regions.yaml";

/**
 * Adds new regions to the clouds' lists, and warns of regions that are no longer found.
 * @param asked names of clouds; empty for all clouds with a public list
 */
export async function updateRegions(
  asked: readonly string[],
  clouds: readonly CloudWithRegions[],
  { root, from = [], drop = [], dryRun }: RegionsOptions,
): Promise<Output> {
  const places = new Map(from.map((text) => [text.split("=")[0]!, text.slice(text.indexOf("=") + 1)]));
  const lookups = new Map(
    clouds.flatMap(({ name, regions }) => (regions === undefined ? [] : [[name, regions]])),
  );
  const chosen =
    asked.length > 0
      ? asked
      : from.length > 0
        ? [...places.keys()]
        : [...lookups.keys()].filter((cloud) => lookups.get(cloud)!.url);
  const unknown = [...chosen, ...places.keys()].find((cloud) => !lookups.has(cloud));
  if (unknown !== undefined)
    throw mistake(
      "unknown-cloud",
      unknown,
      `unknown cloud, or its regions cannot be looked up${suggest(unknown, [...lookups.keys()])}`,
    );

  const known = readRegions(root);
  const document = readSource(join(root, FILE), FILE).document!;
  const did: string[] = [];
  const warnings: string[] = [];
  for (const cloud of chosen) {
    const place = places.get(cloud) ?? lookups.get(cloud)!.url;
    if (place === undefined)
      throw mistake("unknown-cloud", cloud, `has no public list: give a file with --from ${cloud}=FILE`);
    const found = [...new Set(lookups.get(cloud)!.names(parsed(place, await read(place))))].sort();
    if (found.length === 0)
      throw mistake("upstream-invalid", place, "has no regions: it may be the wrong document");
    const before = (known[cloud] ?? []).map(({ name }) => name);
    const added = found.filter((name) => !before.includes(name));
    const missed = before.filter((name) => !found.includes(name) && !drop.includes(name));
    if (missed.length > 0)
      warnings.push(`${cloud}: not found, but kept: ${missed.join(", ")}; remove with --drop REGION`);
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

/** The region that an item of a list names, in any form. */
const regionOf = (item: unknown): string =>
  String(isMap(item) ? (item.get("bestEffort") ?? item.get("leaving")) : item);

const mistake = (code: ErrorCode, path: string, message: string) =>
  new ConfigError([{ code, file: "regions", path, message }]);

function parsed(place: string, text: Buffer): unknown {
  try {
    return JSON.parse(text.toString("utf8"));
  } catch {
    throw mistake("upstream-invalid", place, "is not valid JSON");
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
