import assert from "node:assert/strict";
import { clouds } from "../../../clouds/registry.ts";
import { withOrigins, withoutOrigins } from "../../../src/configuration/origins.ts";
import { someVariant } from "../../helpers/variant.ts";
import { least, project } from "./project.ts";
import { loadVariants, variantSchema } from "../../helpers/configuration.ts";

const files = {
  ...least,
  "configs/defaults.yaml": `${least["configs/defaults.yaml"]}
packages: { doas: true, gone: true, forgotten: true, back: true }
initfsFeatures: { nvme: true }
services: { boot: { syslog: true } }
`,
  "configs/version/3.19.yaml": `packages:
  linux-virt: true
  tagged: --no-scripts
  doas: true
  gone: false
  forgotten: null
services:
  default:
    sshd: true
  boot: { syslog: null }
`,
  "configs/cloud/aws.yaml": `title: AWS
reset: [initfsFeatures]
when:
  - match: { arch: aarch64 }
    kernelModules: { gpio_pl061: true }
`,
  "configs/overlays/mine/defaults.yaml": "services:\n  default: { sshd: false }\n  boot: { klogd: false }\n",
};

const variantOf = (image: string, overlays: readonly string[] = [], more: Record<string, string> = {}) => {
  const found = loadVariants({ root: project({ ...files, ...more }), overlays }).find(
    ({ imageKey }) => imageKey === image,
  );
  assert.ok(found !== undefined);
  return found;
};

describe("the origins in a variant", () => {
  it("are the places of the layers that had the last word, of what is asked for and of nothing else", () => {
    const line = least["configs/defaults.yaml"]!.split("\n").length + 1;
    assert.deepEqual(variantOf("3.19.1-aarch64-uefi-tiny-aws").origins, {
      packages: {
        doas: "configs/version/3.19.yaml:4:3",
        gone: "configs/version/3.19.yaml:5:3",
        back: `configs/defaults.yaml:${line}:54`,
        "linux-virt": "configs/version/3.19.yaml:2:3",
        tagged: "configs/version/3.19.yaml:3:3",
      },
      services: { default: { sshd: "configs/version/3.19.yaml:9:5" } },
      kernelModules: { gpio_pl061: "configs/cloud/aws.yaml:5:22" },
      // Reset by the cloud's layer.
      initfsFeatures: {},
    });
  });

  it("are those of other layers in an image of other dimensions", () => {
    const { origins } = variantOf("3.19.1-x86_64-uefi-tiny-azure");
    assert.deepEqual(origins?.kernelModules, {});
    assert.match(origins?.initfsFeatures["nvme"] ?? "", /^configs\/defaults\.yaml:\d+:19$/);
  });

  it("name overlays by their folder, where they say something new", () => {
    const { origins, services } = variantOf("3.19.1-aarch64-uefi-tiny-aws", ["mine"]);
    assert.deepEqual(services.disable, { boot: ["klogd"] });
    assert.equal(origins?.services["boot"]?.["klogd"], "configs/overlays/mine/defaults.yaml:3:11");
    // Layers of dimensions come after all defaults.
    assert.equal(origins?.services["default"]?.["sshd"], "configs/version/3.19.yaml:9:5");
  });

  it("are plain data that the schema knows, and may be missing in a variant of an older version", () => {
    const variant = variantOf("3.19.1-aarch64-uefi-tiny-aws");
    assert.deepEqual(variantSchema.parse(JSON.parse(JSON.stringify(variant))), variant);
    assert.equal(someVariant().origins, undefined);
  });
});

describe("a variant without origins", () => {
  const key = "3.19.1-aarch64-uefi-tiny-aws";

  it("stays the same when a comment moves the lines of a layer", () => {
    const layer = "configs/version/3.19.yaml";
    const [before, after] = [variantOf(key), variantOf(key, [], { [layer]: `# a comment\n${files[layer]}` })];
    assert.notDeepEqual(after, before);
    assert.deepEqual(withoutOrigins(after), withoutOrigins(before));
  });

  it("gets them back from the project's layers", () => {
    const root = project(files);
    const variant = loadVariants({ root }).find(({ imageKey }) => imageKey === key)!;
    assert.deepEqual(withOrigins(withoutOrigins(variant), [], clouds, root), variant);
  });

  it("goes without in a checkout whose layers cannot be read", () => {
    const bare = withoutOrigins(variantOf(key));
    const root = project({ "configs/defaults.yaml": "{ unknown: 1 }" });
    assert.equal(withOrigins(bare, [], clouds, root), bare);
  });
});
