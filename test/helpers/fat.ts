/** Makes FAT filesystems with mtools. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { runProgram } from "./processes.ts";
import { temporaryFolder } from "./temporary.ts";

/**
 * @param options.files path → content: `/EFI/boot/bootx64.efi`
 * @param options.volumeId eight hexadecimal digits
 * @returns the image's file
 */
export async function fatImage({
  sectors = 1024,
  label,
  volumeId,
  files,
}: {
  sectors?: number;
  label: string;
  volumeId: string;
  files: Readonly<Record<string, string>>;
}): Promise<string> {
  const folder = temporaryFolder();
  const image = join(folder, "efi.img");
  const mtools = async (program: string, ...args: string[]): Promise<void> => {
    const env = { ...process.env, MTOOLS_SKIP_CHECK: "1", LC_ALL: "C.UTF-8" };
    const { code, stderr } = await runProgram(program, ["-i", image, ...args], { env });
    assert.equal(code, 0, `${program} ${args.join(" ")}: ${stderr}`);
  };
  await mtools("mformat", "-C", "-T", String(sectors), "-v", label, "-N", volumeId, "::");
  const made = new Set(["/"]);
  for (const [path, content] of Object.entries(files)) {
    const parents = path.split("/").slice(1, -1);
    for (const parent of parents.map((_, index) => `/${parents.slice(0, index + 1).join("/")}`)) {
      if (!made.has(parent)) await mtools("mmd", `::${parent}`);
      made.add(parent);
    }
    const source = join(folder, "source");
    mkdirSync(dirname(source), { recursive: true });
    writeFileSync(source, content);
    await mtools("mcopy", source, `::${path}`);
  }
  return image;
}
