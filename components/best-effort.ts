import type * as pulumi from "@pulumi/pulumi";
import { bestEffortSuffix } from "../src/configuration/regions.ts";

/**
 * Splits things by what waits for them: those of required regions and, if there are best-effort regions, those of all
 * regions. If a best-effort region fails, only what waits for all regions is skipped. What waits for all regions owns
 * nothing that could be lost, so it may be deleted with the last best-effort region.
 */
export function splitBestEffort<T extends { bestEffort: boolean }>(
  things: readonly T[],
): { suffix: string; things: readonly T[]; options: pulumi.CustomResourceOptions }[] {
  const required = things.filter(({ bestEffort }) => !bestEffort);
  return [
    ...(required.length > 0 ? [{ suffix: "", things: required, options: {} }] : []),
    ...(required.length < things.length
      ? [{ suffix: bestEffortSuffix, things, options: { protect: false } }]
      : []),
  ];
}
