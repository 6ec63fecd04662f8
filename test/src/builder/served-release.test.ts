import assert from "node:assert/strict";
import { releaseIn, servedRelease } from "../../../src/builder/served-release.ts";
import { type PackageParts, testMirror, throwawayKey } from "../../helpers/repository.ts";

describe("the release that a mirror serves", () => {
  const key = throwawayKey();
  const served = async (packages: readonly PackageParts[], keyFile?: string) => {
    const { folder, keyFile: own } = await testMirror(packages, key);
    const mirror = { name: "test", url: `file://${folder}`, keyFiles: [keyFile ?? own] };
    return servedRelease(mirror, "9.9", "x86_64");
  };

  it("is that of alpine-base, without the package's own revision, with the day on which it was built", async () => {
    const packages = [{ name: "busybox" }, { name: "alpine-base", version: "9.9.0_rc2-r12" }];
    assert.deepEqual(await served(packages), { release: "9.9.0_rc2", date: "2023-11-14" });
    assert.equal(releaseIn([]), undefined);
  });

  it("is missed where there is no alpine-base", async () => {
    await assert.rejects(served([{ name: "busybox" }]), {
      name: "UserError",
      message: /has no alpine-base in its 9\.9 branch for x86_64\n {2}→ use a complete mirror$/,
    });
  });

  it("counts only in an index that a trusted key has signed", async () => {
    const { keyFile } = await testMirror([], throwawayKey("other.rsa.pub"));
    await assert.rejects(served([{ name: "alpine-base", version: "9.9.1-r0" }], keyFile), {
      name: "UserError",
      message: /which is not a trusted key/,
    });
  });
});
