/** Where images are published: what `ALL` means is in git, per cloud. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { regionsSchema } from "./schema.ts";
import { check, readSource } from "./source.ts";

/** Cloud to its regions. */
export type Regions = Readonly<Record<string, readonly string[]>>;

/** The lists of these folders; a later one's list stands in place of an earlier one's for the same cloud. */
export function readRegions(root: string, folders: readonly string[] = ["configs"]): Regions {
  const files = folders
    .map((folder) => join(folder, "regions.yaml"))
    .filter((file) => existsSync(join(root, file)));
  return Object.assign(
    {},
    ...files.map((file) => check(regionsSchema, readSource(join(root, file), file))),
  ) as Regions;
}

/** The regions that an image is published to: all of its cloud's where ALL is true, but those that are false. */
export function publishedRegions(
  image: { cloud: string; regions: Readonly<Record<string, boolean>> },
  all: Regions,
): string[] {
  const { ALL, ...named } = image.regions;
  const rest = ALL ? (all[image.cloud] ?? []).filter((region) => named[region] === undefined) : [];
  return [...rest, ...Object.keys(named).filter((region) => named[region])].sort();
}
