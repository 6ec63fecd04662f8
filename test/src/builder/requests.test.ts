import assert from "node:assert/strict";
import { loadVariants } from "../../../src/configuration/index.ts";
import type { Repository } from "../../../src/builder/mirror.ts";
import { checkPackages, requestLines, whoAsksIn } from "../../../src/builder/requests.ts";
import { defined } from "../../../src/lib/defined.ts";
import { least, project } from "../configuration/project.ts";
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

const nobody = (): undefined => undefined;
const wanting = (add: string[], noScripts: string[] = []) =>
  someVariant({ packages: { add, noScripts, delete: ["never-there"] } });

describe("the packages a variant names", () => {
  const main = repository({ "alpine-base": [], "linux-virt": [], "openssh-server": ["sshd-virtual"] });

  it("may be names, names with versions, and what packages provide", () => {
    checkPackages(
      wanting(["alpine-base", "linux-virt~6.18", "sshd-virtual"], ["alpine-base>=3"]),
      [main],
      nobody,
    );
  });

  it("are an error that names each, who asks, what is meant perhaps, and where it looked", () => {
    const asks = ([, name]: readonly string[]) =>
      name === "linux-vir" ? "configs/version.yaml:32:3" : undefined;
    throwsError(
      () => checkPackages(wanting(["linux-vir", "alpine-base"], ["nothing-like-it"]), [main], asks),
      {
        code: "package-missing",
        where: "configs/version.yaml:32:3",
        // All of it: each package, who asks for it, and the nearest.
        text: new RegExp(
          [
            '^nocloud_.*-r0: .*"linux-vir".* configs/version.yaml:32:3 .*"linux-virt"\\?',
            'nocloud_.*-r0: .*"nothing-like-it"; there is alpine-base, linux-virt, openssh-server',
            "  → .*https://example.org/main.*$",
          ].join("\n"),
        ),
      },
    );
  });

  it("have a tagged repository only where they ask for its tag", () => {
    const testing = repository({ "tiny-cloud-new": [] }, "edge-testing");
    checkPackages(
      wanting(["tiny-cloud-new@edge-testing", "alpine-base@edge-testing"]),
      [main, testing],
      nobody,
    );
    throwsError(() => checkPackages(wanting(["tiny-cloud-new"]), [main, testing], nobody), {
      code: "package-missing",
      where: undefined,
      text: /"tiny-cloud-new"/,
    });
  });
});

describe("who asks", () => {
  const files = {
    ...least,
    "configs/version/3.19.yaml": "packages:\n  linux-virt: true\nservices:\n  default:\n    sshd: true\n",
    "configs/cloud/aws.yaml":
      "title: AWS\nwhen:\n  - match: { arch: aarch64 }\n    kernelModules: { gpio_pl061: true }\n",
    "configs/overlays/mine/defaults.yaml": "services:\n  default:\n    sshd: false\n",
  };

  it("is the layer that had the last word, overlays included, with its line", () => {
    const root = project(files);
    const [variant] = loadVariants({ root }).filter(
      ({ imageKey }) => imageKey === "3.19.1-aarch64-uefi-tiny-aws",
    );
    assert.ok(variant !== undefined);
    const asks = whoAsksIn(variant, [], root);
    assert.equal(asks(["packages", "linux-virt"]), "configs/version/3.19.yaml:2:3");
    assert.equal(asks(["kernelModules", "gpio_pl061"]), "configs/cloud/aws.yaml:4:22");
    assert.equal(asks(["packages", "unknown"]), undefined);
    assert.equal(
      whoAsksIn(variant, ["mine"], root)(["services", "default", "sshd"]),
      "configs/version/3.19.yaml:5:5",
    );
    assert.equal(
      requestLines(variant, asks),
      "services.default.sshd configs/version/3.19.yaml:5:5\nkernelModules.gpio_pl061 configs/cloud/aws.yaml:4:22\n",
    );
  });
});
