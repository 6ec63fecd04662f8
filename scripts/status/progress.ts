/** How far a stack's images have come, by its state, beside what the ledger declares. Pure. */
import { grantees } from "../../configs/aws.ts";
import { awsLines } from "../../configs/channels.ts";
import type { StackSettings } from "../../configs/settings.ts";
import { type Declared, isAtLeast, reachedStage, type Stage } from "../../configs/variant.ts";
import type { StateResource } from "../lib/stacks.ts";

/** Something that there should be once per region. */
export interface Regional {
  there: number;
  of: number;
  /** Required regions that it is missing in. */
  missing: string[];
}

export interface ImageProgress {
  stack: string;
  key: string;
  /** How far it is to be brought; `none` for an image that the ledger no longer has. */
  stage: Stage | "none";
  /** What its stage asks for; what it doesn't ask for is left out. */
  built: boolean;
  stored?: boolean;
  imported?: boolean;
  copies?: Regional;
  /** Where everybody who may use it can. */
  shared?: Regional;
  /** Where the line's pointer names it, read back. */
  channel?: Regional;
  /** Regions of best effort that it is not in, or not shared in, or not pointed to. */
  bestEffort: string[];
  /** What the next `up` would have to do; empty where all is done. */
  pending: string[];
}

const ami = "aws:ec2/ami:Ami";
const amiCopy = "aws:ec2/amiCopy:AmiCopy";
const permission = "aws:ec2/amiLaunchPermission:AmiLaunchPermission";
const parameter = "aws:ssm/parameter:Parameter";
const command = "command:local:Command";
const imageVariant = "alpine:index:ImageVariant";

/** A state, to look things up in. What was cut off in the middle is not there. */
class State {
  readonly #byName = new Map<string, StateResource>();
  readonly imageKeys: string[] = [];

  constructor(resources: readonly StateResource[]) {
    for (const resource of resources) {
      if ((resource.initErrors ?? []).length > 0) continue;
      const name = resource.urn.split("::").at(-1)!;
      this.#byName.set(`${resource.type} ${name}`, resource);
      if (resource.type === imageVariant) this.imageKeys.push(name);
    }
  }

  find(type: string, name: string): StateResource | undefined {
    return this.#byName.get(`${type} ${name}`);
  }

  has(type: string, name: string): boolean {
    return this.find(type, name) !== undefined;
  }

  /** The AMI of an image in a region: the imported one at home, copies elsewhere. */
  imageId(key: string, region: string): string | undefined {
    const imported = this.find(ami, key);
    const found = imported?.inputs?.["region"] === region ? imported : this.find(amiCopy, `${key}-${region}`);
    return found?.id;
  }

  /** The image that a line's parameter names in a region; undefined where there is none, or where it is a secret. */
  pointedTo(line: string, region: string): string | undefined {
    const { value, insecureValue } = this.find(parameter, `${line}-${region}`)?.inputs ?? {};
    return [insecureValue, value].find((one) => typeof one === "string");
  }

  /** What a channel's commands have read back: region to image. */
  readBack(line: string): Record<string, string> {
    const inputs = ["", "-best-effort"].map((suffix) => {
      const { environment } = this.find(command, `${line}-channel${suffix}`)?.inputs ?? {};
      const text = (environment as Record<string, unknown> | undefined)?.["ALPINE_STEP_INPUT"];
      return typeof text === "string" ? (JSON.parse(text) as { images?: Record<string, string> }) : {};
    });
    return Object.assign({}, ...inputs.map(({ images }) => images ?? {})) as Record<string, string>;
  }
}

/** Every image that is declared or in the state, in the ledger's order. */
export function progressOf(
  stack: string,
  declared: readonly Declared[],
  { stage: ceiling, aws }: Pick<StackSettings, "stage" | "aws">,
  resources: readonly StateResource[],
): ImageProgress[] {
  const state = new State(resources);
  const lines = awsLines(declared, ceiling);
  const known = new Set(declared.map(({ key }) => key));
  const images = declared.map((image) => {
    const stage = reachedStage(image.state.stage, ceiling);
    const progress = imageProgress(stack, image, stage, aws.region, state);
    const line = lines.find(({ key }) => key === image.variant.configKey);
    const pointed = image.regions.filter(({ name }) => line?.targets.get(name)?.key === image.key);
    if (line === undefined || pointed.length === 0) return progress;
    const readBack = state.readBack(line.key);
    return withRegions(progress, "channel", pointed, (region) => {
      const imageId = state.imageId(image.key, region);
      return (
        imageId !== undefined &&
        readBack[region] === imageId &&
        (state.pointedTo(line.key, region) ?? imageId) === imageId
      );
    });
  });
  const leftOver = state.imageKeys.filter((key) => !known.has(key));
  return [...images, ...leftOver.map((key) => leaving(stack, key))];
}

const leaving = (stack: string, key: string): ImageProgress => ({
  ...{ stack, key, stage: "none", built: true, bestEffort: [], pending: ["to be deleted"] },
});

function imageProgress(
  stack: string,
  { key, variant, regions }: Declared,
  stage: Stage,
  home: string,
  state: State,
): ImageProgress {
  const done = (name: string) => state.has(command, `${key}-${name}`);
  const onAws = variant.cloud === "aws" && isAtLeast(stage, "import");
  const steps = {
    built: done("disk"),
    ...(isAtLeast(stage, "upload") ? { stored: done("artifact") } : {}),
    ...(onAws ? { imported: state.has(ami, key) } : {}),
  };
  const undone = Object.entries(steps).filter(([, isDone]) => !isDone);
  const isPublished = onAws && isAtLeast(stage, "publish");
  const progress: ImageProgress = {
    ...{ stack, key, stage, ...steps, bestEffort: [] },
    pending: [
      ...undone.map(([name]) => `not ${name}`),
      ...(isPublished && !done("snapshots") ? ["snapshots without tags"] : []),
    ],
  };
  if (!isPublished) return progress;
  const others = regions.filter(({ name }) => name !== home);
  const copied = withRegions(progress, "copies", others, (region) => state.has(amiCopy, `${key}-${region}`));
  const names = grantees(variant.access).map(({ name }) => name);
  if (names.length === 0) return copied;
  return withRegions(copied, "shared", regions, (region) =>
    names.every((name) => state.has(permission, `${key}-${region}-${name}`)),
  );
}

/** Counts in which regions something is there; where required ones are missing, that is pending. */
function withRegions(
  progress: ImageProgress,
  what: "copies" | "shared" | "channel",
  regions: Declared["regions"],
  isThere: (region: string) => boolean,
): ImageProgress {
  const missing = regions.filter(({ name }) => !isThere(name));
  const required = missing.filter(({ bestEffort }) => !bestEffort).map(({ name }) => name);
  const others = missing.filter(({ bestEffort }) => bestEffort).map(({ name }) => name);
  return {
    ...progress,
    [what]: { there: regions.length - missing.length, of: regions.length, missing: required },
    bestEffort: [...new Set([...progress.bestEffort, ...others])],
    pending: [...progress.pending, ...(required.length === 0 ? [] : [`${what} in ${required.join(", ")}`])],
  };
}
