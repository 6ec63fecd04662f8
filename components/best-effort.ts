import type * as pulumi from "@pulumi/pulumi";
import { bestEffortSuffix } from "../src/configuration/regions.ts";

/**
 * Splits things by what waits for them: those of required regions and, if there are others, those of all regions. If a
 * best-effort region fails, only what waits for all regions is left undone. What waits for all owns nothing that could be lost,
 * so it may be deleted when the last best-effort region goes.
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
