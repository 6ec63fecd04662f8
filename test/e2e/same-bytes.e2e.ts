/** An image is the same to the last bit when it is built again, with what earlier builds left behind and without. */
import assert from "node:assert/strict";
import { runProgram } from "../helpers/processes.ts";
import { DeclaredImage, missingForBuild } from "./declared-image.ts";

/** What `npm run build -- --json` prints, as far as it is looked at here. */
interface Built {
  sha512: string;
  documents: Record<string, { sha512: string }>;
  bootTest?: { checks: { name: string; passed: boolean }[] };
}

for (const firmware of ["bios", "uefi"] as const) {
  describe(`npm run build: a ${firmware.toUpperCase()} image`, function () {
    this.timeout(1_500_000);
    let project: DeclaredImage;
    let first: Built;

    before(async function () {
      const missing = missingForBuild();
      if (missing !== undefined) {
        console.log(`      skipped: ${missing}`);
        this.skip();
      }
      project = new DeclaredImage(firmware);
      await project.begin();
    });

    after(() => project?.end());

    async function build(folder: string, ...flags: string[]): Promise<Built> {
      const program = ["--import", "tsx", "scripts/build.ts", project.key, "--out", folder];
      const options = ["--stack", project.stack, "--json", ...flags];
      const { code, stdout, stderr } = await runProgram(process.execPath, [...program, ...options], {
        cwd: project.path(),
      });
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout) as Built;
    }

    it("boots by its own firmware and proves itself", async () => {
      first = await build("one");
      const failed = first.bootTest?.checks.filter(({ passed }) => !passed);
      assert.deepEqual(failed, []);
      assert.ok((first.bootTest?.checks.length ?? 0) > 10);
    });

    it("comes out the same from packages alone", async () => {
      const second = await build("two", "--no-boot", "--no-cache");
      const sums = ({ sha512, documents }: Built): string[] => [
        sha512,
        ...Object.values(documents).map(({ sha512 }) => sha512),
      ];
      assert.deepEqual(sums(second), sums(first));
      assert.equal(sums(first).length, 3);
    });
  });
}
