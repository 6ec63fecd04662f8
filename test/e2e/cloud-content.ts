/**
 * What AWS should hold by the ledger, what it holds, and how the two differ. The rules are written down here once more, after
 * the issue and the original, and not taken from the components that they judge.
 */
import { awsOptionsOf, awsSettingsOf } from "../../clouds/aws/options.ts";
import type { StackSettings } from "../../src/configuration/settings.ts";
import { stages, type DeclaredImage, type Stage, type Variant } from "../../src/configuration/variant.ts";
import type { Image, LaunchPermission, Region } from "../doubles/aws/cloud/state.ts";
import type { AccountRegion } from "../doubles/aws/cloud-folder.ts";

/** What a thing is, for people, to what matters of it. */
export type Things = Record<string, Record<string, unknown>>;

/** An object in S3, or an upload that was begun and neither completed nor given up. */
export interface StoredObject {
  bucket: string;
  key: string;
  isUnfinished: boolean;
}

/** A stack's part in what should be there. */
export interface Expectation {
  account: string;
  settings: StackSettings;
  declared: readonly DeclaredImage[];
  /** SHA-512 of an image's file. */
  digestOf: (image: DeclaredImage) => string;
}

const place = (account: string, region: string): string => `${account} ${region}`;
const imageKey = (where: string, name: string): string => `${where} image ${name}`;
const snapshotKey = (where: string, name: string): string => `${where} snapshot of ${name}`;
const parameterKey = (where: string, name: string): string => `${where} parameter ${name}`;
const objectKey = (bucket: string, key: string): string => `s3://${bucket}/${key}`;

/** Exactly what should be there: nothing more, nothing less, nothing otherwise. */
export function expected(expectations: readonly Expectation[]): Things {
  const things: Things = {};
  for (const expectation of expectations) {
    const { account, settings, declared, digestOf } = expectation;
    const { region: home, bucket, importMethod, parameterPrefix } = awsSettingsOf(settings);
    for (const image of declared.filter(({ variant }) => variant.cloud === "aws")) {
      const { variant } = image;
      const has = (stage: Stage): boolean => reaches(image, settings, stage);
      if (!has("import")) continue;
      const name = variant.name.replace("aws_", "");
      const published = has("publish") ? image.regions.map((region) => region.name) : [];
      for (const region of new Set([home, ...published])) {
        const where = place(account, region);
        const grantees = published.includes(region) ? granteesOf(variant.access) : [];
        const tags = tagsOf(image);
        things[imageKey(where, name)] = {
          architecture: variant.arch === "aarch64" ? "arm64" : "x86_64",
          bootMode: awsOptionsOf(variant).bootMode ?? (variant.firmware === "uefi" ? "uefi" : "legacy-bios"),
          description: variant.description,
          deprecated: deprecationOf(image),
          grantees,
          tags,
          volumeType: awsOptionsOf(variant).volumeType,
          imdsSupport: awsOptionsOf(variant).imdsSupport,
        };
        const sharedWith = awsOptionsOf(variant).shareSnapshots === true ? grantees : [];
        things[snapshotKey(where, name)] = { tags, sharedWith };
        if (has("release") && published.includes(region) && isNewest(expectation, image, region)) {
          const line = Object.entries(variant.dimensions).filter(([dimension]) => dimension !== "cloud");
          const parameter = [parameterPrefix, ...line.map(([, value]) => value)].join("/");
          things[parameterKey(where, parameter)] = { image: name, grantees };
        }
      }
      if (importMethod === "vmimport") {
        const digest = digestOf(image).slice(0, 16);
        things[objectKey(bucket, `${variant.name}-${digest}.vhd`)] = { isUnfinished: false };
      }
    }
  }
  return things;
}

function reaches({ state }: DeclaredImage, { stage: ceiling }: StackSettings, wanted: Stage): boolean {
  return [state.stage, ceiling].every((stage) => stages.indexOf(stage) >= stages.indexOf(wanted));
}

/** A later entry of the ledger is newer; those that retire or leave come last. */
function isNewest({ declared, settings }: Expectation, image: DeclaredImage, region: string): boolean {
  const rank = ({ state }: DeclaredImage): number =>
    state.withdraw || state.removing ? 0 : state.retired === undefined ? 2 : 1;
  const line = declared.filter(
    (one) =>
      one.variant.configKey === image.variant.configKey &&
      reaches(one, settings, "release") &&
      one.regions.some(({ name }) => name === region),
  );
  return line.toSorted((a, b) => rank(a) - rank(b)).at(-1) === image;
}

const granteesOf = (access: Variant["access"]): string[] =>
  Object.keys(access)
    .filter((name) => access[name])
    .map((name) => (name === "PUBLIC" ? "all" : name))
    .sort();

/** The original's tags, and AWS's own for names. */
function tagsOf({ variant }: DeclaredImage): Record<string, string> {
  const name = variant.name.replace("aws_", "");
  const { arch, bootstrap, cloud, description, firmware, project, release, version } = variant;
  return {
    Name: name,
    name,
    arch,
    bootstrap,
    cloud,
    description,
    firmware,
    project,
    release,
    version,
    end_of_life: variant.endOfLife,
    image_key: variant.imageKey,
    revision: String(variant.revision),
  };
}

/** The end of life's last minute, two years after the entry, or the day of retirement: what comes first. */
function deprecationOf({ variant, state }: DeclaredImage): string {
  const [year, rest] = [Number(state.added.slice(0, 4)), state.added.slice(4)];
  const times = [`${variant.endOfLife}T23:59:00.000Z`, `${year + 2}${rest}T00:00:00.000Z`];
  if (state.retired !== undefined) times.push(`${state.retired}T00:00:00.000Z`);
  return times.sort()[0]!;
}

/** What is there, under the same names. */
export function found(regions: readonly AccountRegion[], objects: readonly StoredObject[]): Things {
  const things: Things = {};
  const add = (key: string, thing: Record<string, unknown>): void => {
    let free = key;
    for (let number = 2; free in things; number += 1) free = `${key} (number ${number})`;
    things[free] = thing;
  };
  for (const { account, name, region } of regions) {
    const where = place(account, name);
    for (const image of Object.values(region.images)) add(imageKey(where, image.name), shown(image));
    for (const { snapshotId, tags, sharedWith } of Object.values(region.snapshots)) {
      const user = Object.values(region.images).find(({ blockDevices }) =>
        blockDevices.some((device) => device.snapshotId === snapshotId),
      );
      add(snapshotKey(where, user?.name ?? `no image: ${snapshotId}`), { tags: ours(tags), sharedWith });
    }
    for (const { name: parameter, value, pending } of Object.values(region.parameters)) {
      // One that SSM is still looking at is what it will be.
      add(parameterKey(where, parameter), pointedTo(region, pending?.value ?? value));
    }
  }
  for (const { bucket, key, isUnfinished } of objects) add(objectKey(bucket, key), { isUnfinished });
  return things;
}

function shown(image: Image): Record<string, unknown> {
  return {
    architecture: image.architecture,
    bootMode: image.bootMode,
    description: image.description,
    deprecated: image.deprecationTime,
    grantees: image.launchPermissions.map(granteeOf),
    tags: ours(image.tags),
    volumeType: image.blockDevices[0]?.volumeType,
    imdsSupport: image.imdsSupport,
  };
}

function granteeOf({ Group, UserId, OrganizationArn, OrganizationalUnitArn }: LaunchPermission): string {
  return Group ?? UserId ?? OrganizationArn ?? OrganizationalUnitArn ?? "";
}

/** Without what the project's steps note for themselves. */
const ours = (tags: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(tags).filter(([key]) => !key.startsWith("alpine:")));

function pointedTo(region: Region, value: string): Record<string, unknown> {
  const image = region.images[value];
  return { image: image?.name ?? `none: ${value}`, grantees: image?.launchPermissions.map(granteeOf) ?? [] };
}

/** Each difference in a line that begins with its kind: `lost`, `orphan`, `exposed`, `mispointed` or `differs`. */
export function differences(wanted: Things, actual: Things): string[] {
  const lost = Object.keys(wanted)
    .filter((key) => !(key in actual))
    .map((key) => `lost: ${key}`);
  const orphans = Object.keys(actual)
    .filter((key) => !(key in wanted))
    .map((key) => `orphan: ${key}${isExposed({}, actual[key]!) ? ", and it is exposed" : ""}`);
  const others = Object.keys(wanted)
    .filter((key) => key in actual)
    .flatMap((key) => compared(key, wanted[key]!, actual[key]!));
  return [...lost, ...orphans, ...others];
}

function compared(key: string, wanted: Record<string, unknown>, actual: Record<string, unknown>): string[] {
  return Object.keys(wanted)
    .filter((field) => canonical(wanted[field]) !== canonical(actual[field]))
    .map((field) => {
      const text = `${key}: ${field} is ${canonical(actual[field])} and not ${canonical(wanted[field])}`;
      if (/ parameter /.test(key)) return `mispointed: ${text}`;
      return `${isExposed(wanted, actual) ? "exposed" : "differs"}: ${text}`;
    });
}

/** Whether somebody may use it who should not. */
function isExposed(wanted: Record<string, unknown>, actual: Record<string, unknown>): boolean {
  return ["grantees", "sharedWith"].some((field) => {
    const allowed = (wanted[field] ?? []) as string[];
    return ((actual[field] ?? []) as string[]).some((grantee) => !allowed.includes(grantee));
  });
}

/**
 * What must not be at any time, also after a run that failed: somebody may use what the ledger does not say, or a
 * parameter names an image that is not there, or not for those that it is for.
 */
export function dangers(wanted: Things, actual: Things): string[] {
  return Object.entries(actual).flatMap(([key, thing]) => {
    if (isExposed(wanted[key] ?? {}, thing)) return [`exposed: ${key}`];
    if (!/ parameter /.test(key)) return [];
    const { image, grantees } = thing as { image: string; grantees: string[] };
    const target = wanted[key.replace(/ parameter .*/, ` image ${image}`)];
    const missing = ((target?.["grantees"] ?? []) as string[]).filter((one) => !grantees.includes(one));
    return target === undefined || missing.length > 0 ? [`mispointed: ${key} at ${image}`] : [];
  });
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return JSON.stringify(value.map(String).sort());
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "nothing";
  return JSON.stringify(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
