/**
 * One image in a {@link Checkout}, declared by the project's own components, whose disk is never built: the test lays
 * a finished build below work/images, as a run that was killed right after its build leaves it, and the disk's step
 * takes it over. Everything from there on is real.
 */
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { StackSettings } from "../../src/configuration/settings.ts";
import { type DeclaredImage, type Variant } from "../../src/configuration/variant.ts";
import type { DiskImageInput, DiskImageResult } from "../../src/steps/disk-image.ts";
import { readSettings } from "../helpers/configuration.ts";
import { someVariant } from "../helpers/variant.ts";
import { Checkout, type StepSuffix } from "./checkout.ts";

/** What the program declares; a test changes it between two runs. */
export interface Declaration {
  inputsDigest: string;
  /** Of the stack: whether an image that was built from other inputs is replaced. */
  rebuild: StackSettings["rebuild"];
  variant: Partial<Variant>;
  /** Other inputs of single commands, as a later version of the project may have them. */
  commands: Partial<Record<StepSuffix, Record<string, unknown>>>;
  /** Whether builds come with what describes them; those of older versions did not. */
  described: boolean;
}

interface ProgramData {
  image: DeclaredImage;
  settings: StackSettings;
  inputsDigest: string;
  build: DiskImageInput["build"];
  commands: Declaration["commands"];
}

const program = `
import { readFileSync } from "node:fs";
import { ImageVariant } from "./components/image-variant.ts";
import { imageArgs } from "./components/stack-images.ts";

const { commands, image, settings, inputsDigest, build } = JSON.parse(readFileSync("declared.json", "utf8"));
const changed = ({ type, name, props, opts }) => {
  const suffix = name.split("-").at(-1);
  return type === "command:local:Command" ? { props: { ...props, ...commands[suffix] }, opts } : undefined;
};
const args = imageArgs(image, settings, inputsDigest, build, undefined);
const variant = new ImageVariant(image.key, args, { transformations: [changed] });
export const outputs = variant.outputs;
`;

/** A digest as the program computes them, of whatever. */
export const digestOf = (text: string): string => createHash("sha256").update(text).digest("hex");

export class SeededImage extends Checkout {
  /** Storage of the stack, relative to the checkout. */
  readonly storage = "work/storage/v3.23";
  #declared: Declaration = {
    inputsDigest: digestOf("first inputs"),
    rebuild: "changed",
    variant: {},
    commands: {},
    described: true,
  };

  constructor() {
    super(program);
  }

  get variant(): Variant {
    return someVariant({ storageUrl: `file://${this.storage}`, ...this.#declared.variant });
  }

  get key(): string {
    return `${this.variant.imageKey}-r${this.variant.revision}`;
  }

  /** The stored image's file name. */
  get image(): string {
    return `${this.variant.name}.qcow2`;
  }

  /** All that storage holds when everything went well, markers of ownership included. */
  get storedFiles(): string[] {
    const { name } = this.variant;
    const kinds = ["qcow2", "yaml", ...(this.#declared.described ? ["cdx.json", "intoto.json"] : [])];
    const files = kinds.map((kind) => `${name}.${kind}`);
    return files.flatMap((file) => [file, `${file}.sha512`, `.${file}.owner`]).sort();
  }

  /** Declares something else than before in these respects. */
  declare(changes: Partial<Declaration>): void {
    this.#declared = { ...this.#declared, ...changes };
    const { variant, key } = this;
    const { inputsDigest, commands, rebuild } = this.#declared;
    const data: ProgramData = {
      image: {
        key,
        variant,
        state: { stage: "upload", added: "2026-11-01", ...states, place: "ledger:1:1" },
        regions: [],
      },
      settings: readSettings({ stage: "upload", rebuild, mirror: { name: "offline" } }),
      inputsDigest,
      commands,
      // A build that is started in spite of all ends at once.
      build: {
        mirror: { name: "offline", url: "file:///nowhere", keyFiles: [] },
        extraDiskMib: 0,
        overlays: [],
        slots: 1,
        isolation: "auto",
        accelerator: "tcg",
        timeoutMinutes: 1,
        cacheGib: 20,
      },
    };
    this.write("declared.json", JSON.stringify(data));
  }

  /** Lays a finished build with this content where the disk's step finds it. */
  layBuild(content: string, inputsDigest = this.#declared.inputsDigest): DiskImageResult {
    const folder = `work/images/${this.variant.cloud}/${this.key}`;
    mkdirSync(this.path(folder), { recursive: true });
    const write = (kind: string, content: string): { file: string; sha512: string } => {
      const file = `${folder}/${this.variant.name}.${kind}`;
      writeFileSync(this.path(file), content);
      return { file, sha512: createHash("sha512").update(content).digest("hex") };
    };
    const documents = {
      sbom: write("cdx.json", `bill of ${content}`),
      provenance: write("intoto.json", `provenance of ${content}`),
    };
    const result: DiskImageResult = {
      token: randomBytes(8).toString("hex"),
      ...write("qcow2", content),
      ...(this.#declared.described ? { documents } : {}),
      bytes: Buffer.byteLength(content),
      diskSizeMib: 1,
      inputsDigest,
      mirrorSnapshot: { "https://dl-cdn.alpinelinux.org/alpine/v3.23/main": digestOf("index") },
      kernel: "6.18.56-0-virt",
      packages: 104,
      built: "2026-11-23T08:36:49.538Z",
      diskCheck: { passed: 93 },
      bootTest: { passed: 26, seconds: 17.1 },
    };
    writeFileSync(this.path(folder, "build.json"), JSON.stringify(result));
    return result;
  }

  stored(name: string): string {
    return readFileSync(this.path(this.storage, name), "utf8");
  }

  /** The URN of a step's command. */
  urn(suffix: StepSuffix): string {
    return this.lineage(suffix).at(-1)!;
  }

  /** The URNs of a step's command and of the components around it, outermost first: `--target` wants them all. */
  lineage(suffix: StepSuffix): string[] {
    const component = { disk: "DiskImage", artifact: "Artifact", metadata: "Metadata" }[suffix];
    const types = ["alpine:index:ImageVariant", `alpine:index:${component}`, "command:local:Command"];
    return types.map((_, depth) => {
      const name = depth === 2 ? `${this.key}-${suffix}` : this.key;
      return `urn:pulumi:${this.stack}::test::${types.slice(0, depth + 1).join("$")}::${name}`;
    });
  }
}

const states = { withdraw: false, removing: false };
