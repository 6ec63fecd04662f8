/** Where images are published: what `ALL` means is in git, per cloud. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { z } from "zod";
import { regionsSchema } from "./schema.ts";
import { check, readSource } from "./source.ts";

/** A region that images are published to. */
export interface PublishedRegion {
  name: string;
  /** Whether an image counts as published without it: what waits for all regions does not wait for this one. */
  bestEffort: boolean;
  /** Whether its images may be deleted though they are published: it is about to be taken out. Best effort, too. */
  leaving?: boolean;
}

/** Ends the name of a command that also waits for best-effort regions, beside one that waits for the required regions. */
export const bestEffortSuffix = "-best-effort";

/** Cloud to its regions. */
export type Regions = Readonly<Record<string, readonly PublishedRegion[]>>;

/** The lists of these folders; a later one's list stands in place of an earlier one's for the same cloud. */
export function readRegions(root: string, folders: readonly string[] = ["configs"]): Regions {
  const files = folders
    .map((folder) => join(folder, "regions.yaml"))
    .filter((file) => existsSync(join(root, file)));
  const lists = files.flatMap((file) =>
    Object.entries(check(regionsSchema, readSource(join(root, file), file))),
  );
  return Object.fromEntries(lists.map(([cloud, list]) => [cloud, list.map(publishedRegion)]));
}

function publishedRegion(item: z.output<typeof regionsSchema>[string][number]): PublishedRegion {
  if (typeof item === "string") return { name: item, bestEffort: false };
  if ("leaving" in item) return { name: item.leaving, bestEffort: true, leaving: true };
  return { name: item.bestEffort, bestEffort: true };
}

/** The regions that an image is published to: all of its cloud's where ALL is true, but those that are false. */
export function publishedRegions(
  image: { cloud: string; regions: Readonly<Record<string, boolean>> },
  all: Regions,
): PublishedRegion[] {
  const { ALL, ...named } = image.regions;
  const known = all[image.cloud] ?? [];
  const rest = ALL ? known.filter(({ name }) => named[name] === undefined) : [];
  const chosen = Object.keys(named)
    .filter((name) => named[name])
    .map((name) => known.find((region) => region.name === name) ?? { name, bestEffort: false });
  return [...rest, ...chosen].sort((a, b) => (a.name < b.name ? -1 : 1));
}
