/** Benchmark of uploads to AWS. */
import { randomFillSync } from "node:crypto";
import { closeSync, ftruncateSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import path from "node:path";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { DescribeSnapshotsCommand } from "@aws-sdk/client-ec2";
import { execa } from "execa";
import { startMoto } from "../test/doubles/moto.ts";
import { ec2Client, s3Client } from "../clouds/aws/api/clients.ts";
import type { Output } from "../src/lib/command.ts";
import { figureRows, type Figures } from "../src/lib/table.ts";
import { digestOfFile } from "../src/lib/digest.ts";
import { projectRoot, scratchFolder } from "../src/lib/workspace.ts";
import { awsSnapshotStep } from "../clouds/aws/steps/write-snapshot.ts";
import { awsUploadStep } from "../clouds/aws/steps/upload.ts";
import type { ArtifactResult } from "../src/steps/artifact.ts";
import type { DiskImageResult } from "../src/steps/disk-image.ts";
import { machine, peakMib } from "./machine.ts";

/** How to import an image into AWS: `aws.importMethod`. */
const ways = ["vmimport", "direct"] as const;

export interface UploadOptions {
  /** Size of the disk. */
  mib: string;
  /** Percentage of it that is not zeroes. */
  filled: string;
  way?: (typeof ways)[number];
  json: boolean;
}

/**
 * `npm run bench -- upload`: uploads a synthetic image to moto on loopback, with both methods, each in a new process to
 * measure its memory. The figures compare methods and versions of this program. An upload to the real AWS is limited by
 * the connection.
 */
export async function benchUpload(options: UploadOptions): Promise<Output> {
  const rows = options.way === undefined ? await inProcesses(options) : [await measure(options, options.way)];
  const text = options.json ? JSON.stringify(rows) : `${figureRows(rows)}\n${machine()}`;
  return { text, warnings: [] };
}

async function inProcesses({ mib, filled }: UploadOptions): Promise<Figures[]> {
  const rows: Figures[] = [];
  for (const way of ways) {
    const args = ["scripts/bench.ts", "upload", "--mib", mib, "--filled", filled, "--way", way, "--json"];
    const { stdout } = await execa(process.execPath, [...process.execArgv, ...args], {
      cwd: projectRoot,
      stderr: "inherit",
    });
    rows.push(...(JSON.parse(stdout) as Figures[]));
  }
  return rows;
}

async function measure({ mib, filled }: UploadOptions, way: (typeof ways)[number]): Promise<Figures> {
  const folder = scratchFolder("bench");
  const moto = await startMoto();
  try {
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: moto.url,
      AWS_ACCESS_KEY_ID: "111122223333",
      AWS_SECRET_ACCESS_KEY: "moto",
    });
    const image = await makeImage(folder, Number(mib), Number(filled));
    const place = { region: "us-east-1", emulator: true };
    const input = { region: place.region, double: true, owner: "bench", ...image };
    await (await s3Client(place)).send(new CreateBucketCommand({ Bucket: "images" }));
    // moto takes seconds to load its EC2 module at the first call.
    await (await ec2Client(place)).send(new DescribeSnapshotsCommand({ OwnerIds: ["self"] }));
    let sent = image.disk.bytes;
    const bring = async (): Promise<number> => {
      const begun = performance.now();
      if (way === "vmimport") await awsUploadStep.create({ ...input, bucket: "images" });
      else {
        const more = { description: "bench", tags: {}, encrypted: false };
        sent = (await awsSnapshotStep.create({ ...input, ...more })).blocks * 512 * 1024;
      }
      return (performance.now() - begun) / 1000;
    };
    const seconds = await bring();
    const again = await bring();
    return {
      way,
      "disk MiB": mib,
      "file MiB": toMib(image.disk.bytes),
      "sent MiB": toMib(sent),
      s: seconds.toFixed(1),
      "MiB/s": (sent / 2 ** 20 / seconds).toFixed(1),
      "again s": again.toFixed(1),
      "host MiB": peakMib(),
    };
  } finally {
    moto.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const toMib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

/** A dynamic VHD, like images for AWS, with random data that cannot be compressed. */
async function makeImage(
  folder: string,
  mib: number,
  filled: number,
): Promise<{ disk: DiskImageResult; artifact: ArtifactResult }> {
  const raw = path.join(folder, "disk.raw");
  const name = "aws_bench-r0.vhd";
  const file = path.join(folder, name);
  // A single buffer, because the process's memory is measured.
  const some = Buffer.alloc(2 ** 20);
  const descriptor = openSync(raw, "w");
  for (let at = 0; at < mib; at += 1) {
    // In runs of a few MiB, like files on a disk.
    if (((at >> 2) * 37) % 100 >= filled) continue;
    writeSync(descriptor, randomFillSync(some), 0, some.length, at * some.length);
  }
  ftruncateSync(descriptor, mib * 2 ** 20);
  closeSync(descriptor);
  await execa("qemu-img", [
    "convert",
    "-f",
    "raw",
    "-O",
    "vpc",
    "-o",
    "subformat=dynamic,force_size=on",
    raw,
    file,
  ]);
  rmSync(raw);
  const sha512 = await digestOfFile(file, "sha512");
  const found = { sha512, bytes: statSync(file).size };
  return {
    disk: { ...found, file: path.relative(projectRoot, file) } as DiskImageResult,
    artifact: { ...found, folder: "file:///nowhere", name } as ArtifactResult,
  };
}
