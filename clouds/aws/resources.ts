/** Which resources an image and a line have in a stack's state when all is done, by the components' names. Pure. */
import { bestEffortSuffix } from "../cloud.ts";
import { permissionName, regionalName } from "./resource-names.ts";
import { grantees } from "./rules.ts";
import type { ReleaseLine } from "../../src/configuration/release-lines.ts";
import type { StackSettings } from "../../src/configuration/settings.ts";
import { signingCommandOf } from "../../src/configuration/signing.ts";
import { type DeclaredImage, isAtLeast, type Stage } from "../../src/configuration/variant.ts";
import { resourceTypes } from "./resource-types.ts";
import { idOf } from "../../src/status/state.ts";

/** @returns `TYPE NAME` of each: at any stage but those of the stage are to be deleted */
export function imageResources(
  { key, variant, regions }: DeclaredImage,
  stage: Stage,
  settings: Pick<StackSettings, "disable"> & { aws: Pick<StackSettings["aws"], "region" | "importMethod"> },
): string[] {
  const { aws } = settings;
  const commands = (...suffixes: string[]) =>
    suffixes.map((suffix) => idOf(resourceTypes.command, key + suffix));
  const stored = isAtLeast(stage, "upload") ? commands("-artifact", "-metadata") : [];
  const isSigned = signingCommandOf(variant, stage, settings) !== undefined;
  const local = [...commands("-disk"), ...stored, ...(isSigned ? commands("-signatures") : [])];
  if (variant.cloud !== "aws" || !isAtLeast(stage, "import")) return local;
  const imported = [
    ...local,
    ...(aws.importMethod === "direct"
      ? commands("-snapshot")
      : [...commands("-upload"), idOf(resourceTypes.snapshot, key)]),
    idOf(resourceTypes.ami, key),
    ...commands("-snapshots"),
  ];
  if (!isAtLeast(stage, "publish")) return imported;
  const others = regions.filter(({ name }) => name !== aws.region);
  return [
    ...imported,
    ...others.map(({ name }) => idOf(resourceTypes.copy, regionalName(key, name))),
    ...regions.flatMap(({ name }) =>
      grantees(variant.access).map((grantee) =>
        idOf(resourceTypes.permission, permissionName(key, name, grantee.name)),
      ),
    ),
    ...(others.some(({ bestEffort }) => bestEffort) ? commands(`-snapshots${bestEffortSuffix}`) : []),
    ...(regions.some(({ bestEffort }) => bestEffort) ? commands(`-metadata${bestEffortSuffix}`) : []),
  ];
}

/** @returns as of an image */
export function lineResources({ key, targets }: ReleaseLine): string[] {
  const isBestEffort = [...targets].map(
    ([region, { regions }]) => regions.find(({ name }) => name === region)?.bestEffort === true,
  );
  return [
    ...[...targets.keys()].map((region) => idOf(resourceTypes.parameter, regionalName(key, region))),
    ...(isBestEffort.includes(false) ? [idOf(resourceTypes.command, `${key}-channel`)] : []),
    ...(isBestEffort.includes(true)
      ? [idOf(resourceTypes.command, `${key}-channel${bestEffortSuffix}`)]
      : []),
  ];
}
