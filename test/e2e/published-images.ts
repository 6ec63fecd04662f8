/**
 * Images in a {@link Checkout}, declared by the project's own program and published to the AWS double. No disk is built
 * here: tiny finished builds lie below work/images, and everything from there on is real, up to the cloud's door.
 */
import { randomBytes } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { ChildProcess } from "node:child_process";
import type { Server } from "node:http";
import { join } from "node:path";
import {
  CreateBucketCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  type BucketLocationConstraint,
} from "@aws-sdk/client-s3";
import { execa } from "execa";
import { parse, stringify } from "yaml";
import type { StackSettings } from "../../src/configuration/settings.ts";
import { type DeclaredImage, hasReached, type Stage, type Variant } from "../../src/configuration/variant.ts";
import { buildSettings } from "../../src/builder/build-settings.ts";
import { identifyVhd } from "../../src/builder/formats/vhd.ts";
import { derivedUuid, inputsDigest } from "../../src/builder/inputs.ts";
import { digestOfFile } from "../../src/lib/digest.ts";
import { groupBy } from "../../src/lib/group-by.ts";
import type { DiskImageResult } from "../../src/steps/disk-image.ts";
import { CloudFolder } from "../doubles/aws/cloud-folder.ts";
import { newGlobal } from "../doubles/aws/cloud/state.ts";
import { serveCloud } from "../doubles/aws/http/server.ts";
import { doubleEnvironment } from "../doubles/aws/install.ts";
import { s3Client } from "../doubles/aws/object-store.ts";
import { transaction } from "../doubles/aws/store.ts";
import type { Moto } from "../doubles/moto.ts";
import { runProgram, type Ended } from "../helpers/processes.ts";
import type { PulumiResult } from "../helpers/pulumi-project.ts";
import { Checkout } from "./checkout.ts";
import { dangers, differences, expected, found, type StoredObject, type Things } from "./cloud-content.ts";
import { declaredBy, readSettings } from "../helpers/configuration.ts";

/** An entry of the ledger; what is left out is as for a released 3.23.6. */
export interface LedgerEntry {
  release?: string;
  revision?: number;
  stage?: Stage;
  retired?: string;
  withdraw?: boolean;
  removing?: boolean;
}

/** What a stack declares; a test changes it between two runs. */
export interface Scene {
  entries: LedgerEntry[];
  /** Firmware of the images that each entry has; all are tiny, of x86_64. */
  firmware: ("bios" | "uefi")[];
  /** Other dimensions, where an overlay adds some. */
  dimensions: Record<string, string>;
  /** The images that each entry has, in place of what these two say: products of dimensions' values. */
  images?: Record<string, string | string[]>[];
  regions: string[];
  /** Those of them that an image counts as published without. */
  bestEffort: string[];
  /** Those of them that are about to be taken out. */
  leaving: string[];
  access: Variant["access"];
  endOfLife: string;
  /** More of the layer that comes last. */
  layer: Record<string, unknown>;
  /** Settings of the stack, without their namespace; `aws` is added to the harness's own. */
  settings: Record<string, unknown> & { stage?: Stage; aws?: Record<string, unknown>; overlays?: string[] };
}

export const home = "us-east-1";
export const account = "111122223333";
/** A second account, for a second stack. */
export const otherAccount = "444455556666";

export interface StepFault {
  step: string;
  operation: "create" | "update" | "delete";
  when: "before" | "after";
  does: "fail" | "kill-engine";
}

const trust = {
  Effect: "Allow",
  Principal: { Service: "vmie.amazonaws.com" },
  Action: "sts:AssumeRole",
  Condition: { StringEquals: { "sts:ExternalId": "vmimport" } },
};
const allowed = [
  "s3:GetBucketLocation",
  "s3:GetObject",
  "s3:ListBucket",
  "ec2:CopySnapshot",
  "ec2:Describe*",
  "ec2:ModifySnapshotAttribute",
  "ec2:RegisterImage",
];

/** One stack of a {@link Scene}. Others of the same checkout have names, accounts and scenes of their own. */
interface Stack {
  name: string;
  account: string;
  scene: Scene;
}

export class PublishedImages extends Checkout {
  readonly cloud = new CloudFolder(this.path("cloud"), { polls: { import: 1 } });
  readonly #moto: Moto;
  #server: Server | undefined;
  #stack: Stack;
  readonly #stacks = new Map<string, Stack>();

  constructor(moto: Moto, scene: Partial<Scene> = {}) {
    super();
    this.#moto = moto;
    this.#stack = { name: this.stack, account, scene: { ...defaultScene(), ...scene } };
  }

  /** Serves the cloud, with bucket and role in the account, and makes the stack. */
  async begin(): Promise<void> {
    const kill = (): void => this.killRun();
    const { url, server } = await serveCloud(this.cloud.folder, { objects: this.#moto.url, kill });
    this.#server = server;
    const options = { folder: this.cloud.folder, account, objects: this.#moto.url, url };
    const environment = doubleEnvironment(this.environment, options);
    for (const name of Object.keys(this.environment)) delete this.environment[name];
    Object.assign(this.environment, environment, {
      NODE_OPTIONS: `--import=${join(import.meta.dirname, "step-faults.mjs")}`,
      ALPINE_STEP_FAULT: this.path("step-fault.json"),
    });
    await this.#addStack(this.#stack);
  }

  /** Makes another stack in another account, and goes on with it. */
  async beginOther(name: string, inAccount: string, scene: Partial<Scene>): Promise<void> {
    await this.#addStack({ name, account: inAccount, scene: { ...defaultScene(), ...scene } });
  }

  async #addStack(stack: Stack): Promise<void> {
    this.#stacks.set(stack.name, stack);
    this.#stack = stack;
    await this.equipAccount();
    await this.declare({});
    await this.succeed("stack", "init", stack.name);
    this.use(stack.name);
  }

  /** Goes on with one of the stacks: commands and declarations are its own. */
  use(name: string): void {
    this.#stack = this.#stacks.get(name)!;
    this.environment["AWS_ACCESS_KEY_ID"] = this.#stack.account;
    this.environment["PULUMI_STACK"] = name;
  }

  get scene(): Scene {
    return this.#stack.scene;
  }

  get bucket(): string {
    return `images-of-${this.#stack.account}`;
  }

  /** What somebody has set up before: the bucket, and the role of VM Import. */
  async equipAccount(): Promise<void> {
    await transaction(join(this.cloud.folder, this.#stack.account, "global.json"), newGlobal, ({ roles }) => {
      const document = (statement: object) =>
        JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
      roles["vmimport"] = {
        name: "vmimport",
        path: "/",
        assumeRolePolicy: document(trust),
        maxSessionDuration: 3600,
        policies: { vmimport: document({ Effect: "Allow", Action: allowed, Resource: "*" }) },
        tags: {},
        createDate: "2026-11-01T00:00:00Z",
      };
    });
    await this.#s3(async (client) => {
      await client.send(new CreateBucketCommand({ Bucket: this.bucket, ...locationOf(home) }));
    });
  }

  /** Declares something else than before in these respects, and lays the builds that it needs. */
  async declare(changes: Partial<Scene>): Promise<void> {
    const { scene, name } = this.#stack;
    Object.assign(scene, changes);
    const dimensions = { arch: "x86_64", firmware: scene.firmware, bootstrap: "tiny", cloud: "aws" };
    const images = scene.images ?? [{ ...dimensions, ...scene.dimensions }];
    const complete = ({ release = "3.23.6", revision = 0, stage = "release", ...rest }: LedgerEntry) => ({
      release,
      date: "2026-09-17",
      revision,
      stage,
      added: "2026-11-01",
      ...rest,
      images,
    });
    const versionOf = ({ release = "3.23.6" }: LedgerEntry): string => release.replace(/\.\d+$/, "");
    const versions = [...groupBy(scene.entries, versionOf)].map(
      ([version, entries]) =>
        [version, { endOfLife: scene.endOfLife, entries: entries.map(complete) }] as const,
    );
    this.write(this.#file("releases.yaml"), stringify({ versions: Object.fromEntries(versions) }));
    const regions = Object.fromEntries(scene.regions.map((region) => [region, true]));
    mkdirSync(this.path(`overlay-${name}`), { recursive: true });
    const layer = { access: { PUBLIC: false, ...scene.access }, regions: { ALL: false, ...regions } };
    this.write(`overlay-${name}/mandatory.yaml`, stringify({ ...layer, ...scene.layer }));
    const known = scene.regions.map((region) => {
      if (scene.leaving.includes(region)) return { leaving: region };
      return scene.bestEffort.includes(region) ? { bestEffort: region } : region;
    });
    const file = `overlay-${name}/regions.yaml`;
    // Otherwise the project's own list, which other overlays name more regions of.
    if (known.every((region) => typeof region === "string")) rmSync(this.path(file), { force: true });
    else this.write(file, stringify({ aws: known }));
    const config = Object.entries(this.#config()).map(([key, value]) => [`alpine:${key}`, value] as const);
    this.write(`Pulumi.${name}.yaml`, stringify({ config: Object.fromEntries(config) }));
    for (const image of this.declared()) await this.#layBuild(image);
  }

  #file(suffix: string): string {
    return `${this.#stack.name}.${suffix}`;
  }

  #config(): Record<string, unknown> {
    const { name, account, scene } = this.#stack;
    const { aws, overlays = [], ...settings } = scene.settings;
    return {
      // Whoever wants signatures says by what.
      ledger: this.#file("releases.yaml"),
      stage: "release",
      disable: ["sign"],
      overlays: [...overlays, `./overlay-${name}`],
      storageUrl: `file://work/storage-${name}/{v_version}/{cloud}/{arch}`,
      mirror: { name: "offline", url: "file:///nowhere", keys: [], diskExtraMib: 0 },
      ...settings,
      aws: { region: home, bucket: this.bucket, accounts: [account], emulator: true, ...aws },
    };
  }

  settings(): StackSettings {
    return readSettings(this.#config());
  }

  /** What the ledger declares of the stack in use. */
  declared(): DeclaredImage[] {
    return declaredBy(this.folder, this.settings());
  }

  /** Lays a finished build where the disk's step finds it, unless there is one: a tiny VHD, another for each image. */
  async #layBuild(image: DeclaredImage): Promise<void> {
    const { variant, key } = image;
    const folder = `work/images/${variant.cloud}/${key}`;
    const record = this.path(folder, "build.json");
    if (existsSync(record)) return;
    mkdirSync(this.path(folder), { recursive: true });
    const file = `${folder}/${variant.name}.vhd`;
    const disk = Buffer.alloc(2 ** 20);
    disk.write(`the disk of ${key}`, 512 * 1024);
    writeFileSync(this.path("disk.raw"), disk);
    const options = ["-f", "raw", "-O", "vpc", "-o", "subformat=dynamic,force_size=on"];
    await execa("qemu-img", ["convert", ...options, this.path("disk.raw"), this.path(file)]);
    const time = Date.parse("2026-11-23T08:00:00Z") / 1000;
    identifyVhd(this.path(file), { uniqueId: derivedUuid("file", key), time });
    const document = async (kind: string) => {
      const name = `${folder}/${variant.name}.${kind}`;
      this.write(name, `{"of":"${key}"}`);
      return { file: name, sha512: await digestOfFile(this.path(name), "sha512") };
    };
    const result: DiskImageResult = {
      token: randomBytes(8).toString("hex"),
      file,
      sha512: await digestOfFile(this.path(file), "sha512"),
      documents: { sbom: await document("cdx.json"), provenance: await document("intoto.json") },
      bytes: readFileSync(this.path(file)).length,
      diskSizeMib: 1,
      inputsDigest: inputsDigest(variant, buildSettings(this.settings(), this.folder)),
      mirrorSnapshot: {},
      kernel: "6.18.56-0-virt",
      packages: 104,
      built: "2026-11-23T08:00:00Z",
      diskCheck: { passed: 94 },
      bootTest: { passed: 31, seconds: 17.1 },
    };
    writeFileSync(record, JSON.stringify(result));
  }

  override start(...arguments_: string[]): ChildProcess {
    const child = super.start(...arguments_);
    this.#run = child;
    // With the engine, all that it started: plugins would go on for minutes otherwise, and keep the pipes open.
    child.once("exit", (_code, signal) => {
      if (signal !== null) killSession(child.pid!);
    });
    return child;
  }
  #run: ChildProcess | undefined;

  /** The power fails: engine, plugins and steps end at once. */
  killRun(): void {
    const pid = this.#run?.pid;
    if (pid !== undefined) killSession(pid);
  }

  /** Breaks one step that changes files; cloud calls are broken by `cloud.breakBy`. */
  breakStep(fault: StepFault): void {
    this.write("step-fault.json", JSON.stringify(fault));
  }

  /** Whether a step's fault is still to be met. */
  get isStepFaultPending(): boolean {
    return existsSync(this.path("step-fault.json"));
  }

  async tryUp(...flags: string[]): Promise<PulumiResult> {
    return await this.run("up", "--yes", "--skip-preview", ...flags);
  }

  /** `npm run recover`, without npm. */
  recover(): Promise<Ended> {
    return this.#script("recover");
  }

  /** `npm run status`. */
  status(): Promise<Ended> {
    return this.#script("status");
  }

  async #script(name: string): Promise<Ended> {
    const program = [`scripts/${name}.ts`, "--stack", this.#stack.name];
    return await runProgram("node", program, { cwd: this.folder, env: this.environment });
  }

  /** All stacks' part of what should be there. */
  expected(): Things {
    const current = this.#stack.name;
    const all = [...this.#stacks.values()].map((stack) => {
      this.use(stack.name);
      return {
        account: stack.account,
        settings: this.settings(),
        declared: this.declared(),
        digestOf: ({ variant, key }: DeclaredImage): string => {
          const record = this.path("work/images", variant.cloud, key, "build.json");
          return (JSON.parse(readFileSync(record, "utf8")) as DiskImageResult).sha512;
        },
      };
    });
    this.use(current);
    return expected(all);
  }

  async found(): Promise<Things> {
    return found(this.cloud.regions(), await this.#objects());
  }

  /** What is not as the ledgers of all stacks say, a line each. */
  async differences(): Promise<string[]> {
    return differences(this.expected(), await this.found());
  }

  /** What must not be even after a run that failed. */
  async dangers(): Promise<string[]> {
    return dangers(this.expected(), await this.found());
  }

  /**
   * What the metadata in storage says of the images of the stack in use and is not so, a line each.
   * @param isDone whether it has to tell of all regions by now, and not only of none where the image can't be used
   */
  misdescribed(isDone: boolean): string[] {
    const folder = `work/storage-${this.#stack.name}`;
    return this.declared()
      .filter(({ state }) => hasReached(state, this.settings().stage, "upload"))
      .flatMap(({ variant, state, regions }) => {
        const file = this.files(folder).find((name) => name.endsWith(`/${variant.name}.yaml`));
        if (file === undefined) return isDone ? [`${variant.name} is not described`] : [];
        const text = readFileSync(this.path(folder, file), "utf8");
        const { artifacts } = parse(text) as { artifacts: Record<string, string> | null };
        const usable = (region: string): string | undefined =>
          Object.values(this.cloud.region(this.#stack.account, region).images).find(
            ({ name, launchPermissions }) =>
              name === variant.name.replace("aws_", "") && launchPermissions.length > 0,
          )?.imageId;
        const wanted = hasReached(state, this.settings().stage, "publish")
          ? regions.map(({ name }) => name)
          : [];
        return [...new Set([...(isDone ? wanted : []), ...Object.keys(artifacts ?? {})])]
          .filter((region) => artifacts?.[region] === undefined || artifacts[region] !== usable(region))
          .map(
            (region) =>
              `${file} says ${artifacts?.[region]} of ${region}, where ${usable(region)} can be used`,
          );
      });
  }

  /** Ids of images and snapshots that are there and in no stack's state, and of those in the state that are not there. */
  async unrecorded(): Promise<string[]> {
    const state = JSON.stringify(await this.resources());
    const regions = this.cloud.regions().filter((one) => one.account === this.#stack.account);
    const there = regions.flatMap(({ region }) => [
      ...Object.keys(region.images),
      ...Object.keys(region.snapshots),
    ]);
    const recorded = new Set(state.match(/\b(ami|snap)-[0-9a-f]{17}\b/g) ?? []);
    return [
      ...there.filter((id) => !recorded.has(id)).map((id) => `not in the state: ${id}`),
      ...[...recorded].filter((id) => !there.includes(id)).map((id) => `only in the state: ${id}`),
    ];
  }

  async #objects(): Promise<StoredObject[]> {
    const buckets = [...this.#stacks.values()].map((stack) => `images-of-${stack.account}`);
    return await this.#s3(async (client) => {
      const lists = await Promise.all(
        buckets.map(async (Bucket) => {
          const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
          const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
          const named = (isUnfinished: boolean) => (one: { Key?: string | undefined }) => ({
            bucket: Bucket,
            key: one.Key ?? "",
            isUnfinished,
          });
          return [...Contents.map(named(false)), ...Uploads.map(named(true))];
        }),
      );
      return lists.flat();
    });
  }

  async #s3<T>(work: (client: ReturnType<typeof s3Client>) => Promise<T>): Promise<T> {
    const client = s3Client(this.#stack.account, home, this.#moto.url);
    try {
      return await work(client);
    } finally {
      client.destroy();
    }
  }

  /** Keeps state, cloud and storage, for `goBack`; what is in S3 is not kept, so there must be nothing yet. */
  remember(name: string): void {
    for (const folder of this.#keptFolders()) {
      cpSync(this.path(folder), this.path(`kept-${name}`, folder), { recursive: true });
    }
  }

  async goBack(name: string): Promise<void> {
    for (const folder of this.#keptFolders()) rmSync(this.path(folder), { recursive: true, force: true });
    cpSync(this.path(`kept-${name}`), this.folder, { recursive: true });
    for (const file of ["step-fault.json", "step-fault.json.met"]) rmSync(this.path(file), { force: true });
    await fetch(`${this.#moto.url}/moto-api/reset`, { method: "POST" });
    await this.equipAccount();
  }

  #keptFolders(): string[] {
    return [
      "isolated/state",
      "cloud",
      ...readdirSync(this.path("work")).map((name) => `work/${name}`),
    ].filter((folder) => existsSync(this.path(folder)) && folder !== "work/cache");
  }

  end(): void {
    this.#server?.closeAllConnections();
    this.#server?.close();
    this.killRun();
    this.remove();
  }
}

function defaultScene(): Scene {
  return {
    entries: [{}],
    firmware: ["uefi"],
    dimensions: {},
    regions: [home, "eu-west-1"],
    bestEffort: [],
    leaving: [],
    access: { PUBLIC: true },
    endOfLife: "2027-11-01",
    layer: {},
    settings: {},
  };
}

function locationOf(region: string) {
  const LocationConstraint = region as BucketLocationConstraint;
  return region === "us-east-1" ? {} : { CreateBucketConfiguration: { LocationConstraint } };
}

/** Ends every process of a session: the CLI begins one, and what it starts stays in it. */
function killSession(leader: number): void {
  for (const name of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const [, , , session] = readFileSync(`/proc/${name}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ");
      if (Number(session) === leader) process.kill(Number(name), "SIGKILL");
    } catch {
      // It ended while we looked.
    }
  }
}
