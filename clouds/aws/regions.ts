import { fieldOf, type RegionLookup, textsAmong, valuesOf } from "../../src/regions/region-lookup.ts";

/** Looks up AWS's regions in its published address ranges. */
export const awsRegions: RegionLookup = {
  url: "https://ip-ranges.amazonaws.com/ip-ranges.json",
  // The partitions of governments, of China and of Europe's sovereign cloud need separate accounts.
  names: (list) =>
    textsAmong(valuesOf(fieldOf(list, "prefixes"), "region")).filter(
      (name) => !/^(GLOBAL|us-gov-|us-iso|cn-|eusc-)/.test(name),
    ),
};
