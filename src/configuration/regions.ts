/** The regions where images are published. The list that `ALL` means for each cloud is in git. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { z } from "zod";
import { regionsSchema } from "./schema.ts";
import { check, readSource } from "./source.ts";

/** A region where images are published. */
export interface PublishedRegion {
  name: string;
  /** If true, an image counts as published even when this region is missing: nothing waits for it. */
  bestEffort: boolean;
  /** If true, the region is about to be removed, so its published images may be deleted. It is also best effort. */
  leaving?: boolean;
}

/** Name suffix of a command that also waits for best-effort regions; its sibling waits only for the required ones. */
export const bestEffortSuffix = "-best-effort";

/** Cloud to its regions. */
export type Regions = Readonly<Record<string, readonly PublishedRegion[]>>;

/** Reads the lists in these folders. For each cloud, a later folder's list replaces an earlier one's. */
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

/** The regions where an image is published: those set to true and, if ALL is true, the cloud's others not set to false. */
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
