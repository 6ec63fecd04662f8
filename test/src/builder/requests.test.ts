import assert from "node:assert/strict";
import type { Repository } from "../../../src/builder/mirror.ts";
import { checkPackages, requestLines } from "../../../src/builder/requests.ts";
import { defined } from "../../../src/lib/defined.ts";
import { someVariant } from "../../helpers/variant.ts";
import { throwsError } from "../../helpers/errors.ts";

/** A repository with these packages: name → what else it provides. */
function repository(packages: Record<string, string[]>, tag?: string): Repository {
  const entries = Object.entries(packages).map(([name, provides]) => ({
    name,
    provides,
    version: "1",
    arch: "x86_64",
    checksum: "",
    size: 0,
    buildTime: 0,
    depends: [],
  }));
  return {
    declaredUrl: `https://example.org/${tag ?? "main"}`,
    arch: "x86_64",
    entries,
    index: Buffer.alloc(0),
    digest: "",
    ...defined({ tag }),
  };
}

/** Places that nobody looks up, but for those that a test is about. */
const origins = { packages: {}, services: {}, kernelModules: {}, initfsFeatures: {} };
const wanting = (add: string[], noScripts: string[] = []) =>
  someVariant({ packages: { add, noScripts, delete: ["never-there"] } });

describe("the packages a variant names", () => {
  const main = repository({ "alpine-base": [], "linux-virt": [], "openssh-server": ["sshd-virtual"] });

  it("may be names, names with versions, and what packages provide", () => {
    checkPackages(wanting(["alpine-base", "linux-virt~6.18", "sshd-virtual"], ["alpine-base>=3"]), [main]);
  });

  it("are an error that names each, who asks, what is meant perhaps, and where it looked", () => {
    const packages = { "linux-vir": "configs/version.yaml:32:3" };
    const variant = wanting(["linux-vir", "alpine-base"], ["nothing-like-it"]);
    throwsError(() => checkPackages({ ...variant, origins: { ...origins, packages } }, [main]), {
      code: "package-missing",
      where: "configs/version.yaml:32:3",
      // All of it: each package, who asks for it, and the nearest.
      text: new RegExp(
        [
          '^nocloud_.*-r0: .*"linux-vir".* configs/version.yaml:32:3 .*"linux-virt"\\?',
          'nocloud_.*-r0: .*"nothing-like-it"; known: alpine-base, linux-virt, openssh-server',
          "  → .*https://example.org/main.*$",
        ].join("\n"),
      ),
    });
  });

  it("have a tagged repository only where they ask for its tag", () => {
    const testing = repository({ "tiny-cloud-new": [] }, "edge-testing");
    checkPackages(wanting(["tiny-cloud-new@edge-testing", "alpine-base@edge-testing"]), [main, testing]);
    throwsError(() => checkPackages(wanting(["tiny-cloud-new"]), [main, testing]), {
      code: "package-missing",
      where: undefined,
      text: /"tiny-cloud-new"/,
    });
  });
});

describe("what only the guest can check", () => {
  const variant = someVariant({
    services: { enable: { default: ["sshd"] }, disable: { boot: ["syslog"] } },
    kernelModules: ["gpio_pl061", "ext4"],
    initfsFeatures: ["nvme"],
  });

  it("comes into the guest with the place of the layer that asks for it, where one does", () => {
    const asked = {
      ...origins,
      services: {
        default: { sshd: "configs/defaults.yaml:5:5" },
        boot: { syslog: "mine/defaults.yaml:2:3" },
      },
      kernelModules: { gpio_pl061: "configs/cloud/aws.yaml:4:22" },
      initfsFeatures: { nvme: "configs/cloud/aws.yaml" },
    };
    assert.equal(
      requestLines({ ...variant, origins: asked }),
      [
        "services.default.sshd configs/defaults.yaml:5:5\n",
        "services.boot.syslog mine/defaults.yaml:2:3\n",
        "kernelModules.gpio_pl061 configs/cloud/aws.yaml:4:22\n",
        "initfsFeatures.nvme configs/cloud/aws.yaml\n",
      ].join(""),
    );
  });

  it("comes without any place in a variant of an older version", () => {
    assert.equal(requestLines(variant), "");
    assert.throws(() => checkPackages(wanting(["nothing-like-it"]), []), /no repository has package/);
  });
});
