/** Bad input: every mistake with its place and what to do, all of them at once, and nothing dropped. */
import assert from "node:assert/strict";
import { loadDeclared, readSettings } from "../../helpers/configuration.ts";
import { faultsOf, mistakesOf, throwsError } from "../../helpers/errors.ts";
import { least, project } from "./project.ts";

const ledger = least["configs/releases.yaml"]!;
const releases = (change: (text: string) => string) => ({ "configs/releases.yaml": change(ledger) });
const entry = (release: string, revision: number) => `
      - { release: ${release}, date: 2024-01-26, revision: ${revision}, stage: local, added: 2024-02-01,
          images: [{ arch: x86_64, firmware: bios, bootstrap: tiny, cloud: aws }] }`;

/** What is given, and what is wrong with it: code and place; texts where they say more than that. */
const cases: [string, Record<string, string | undefined>, string[], RegExp[]?][] = [
  [
    "an unknown dimension value in a rule",
    { "configs/cloud/aws.yaml": "title: AWS\nexclude:\n  - { version: 3.18, arch: aarch46 }" },
    ["unknown-dimension-value configs/cloud/aws.yaml:3:28 exclude[0].arch"],
  ],
  [
    "an unknown dimension in a rule",
    { "configs/cloud/aws.yaml": "title: AWS\nwhen:\n  - match: { frimware: bios }\n    login: x" },
    ["unknown-dimension configs/cloud/aws.yaml:3:14 when[0].match.frimware"],
  ],
  [
    "an unknown dimension value in the ledger",
    releases((text) => text.replace("cloud: [aws, azure]", "cloud: [aws, azur]")),
    ['unknown-dimension-value configs/releases.yaml:15:26 versions."3.19".entries[0].images[0].cloud[1]'],
    [/; did you mean "azure"\? \(in entry 3\.19\.1 r0\)$/],
  ],
  [
    "a dimension that an entry doesn't mention",
    releases((text) => text.replace(/ +bootstrap: .*\n/, "")),
    ['entry-incomplete configs/releases.yaml:12:13 versions."3.19".entries[0].images[0]'],
  ],
  [
    "a mistyped key",
    { "configs/cloud/aws.yaml": "title: AWS\nkernelOption:\n  x: true" },
    ["unknown-key configs/cloud/aws.yaml:2:1 kernelOption"],
    [/; did you mean "kernelOptions"\?$/],
  ],
  [
    "a mistyped key inside when",
    { "configs/cloud/aws.yaml": "title: AWS\nwhen:\n  - match: { arch: x86_64 }\n    pakages: { a: true }" },
    ["unknown-key configs/cloud/aws.yaml:4:5 when[0].pakages"],
  ],
  [
    "wrong types",
    {
      "configs/arch/x86_64.yaml":
        "title: 1\nname: x86\ndiskSize: [a]\nkernelModules: { a: yes }\nbootloader: grubefi\npackages: { a: --noscript }",
    },
    [
      "value-invalid configs/arch/x86_64.yaml:1:8 title",
      "value-invalid configs/arch/x86_64.yaml:2:7 name",
      "value-invalid configs/arch/x86_64.yaml:3:12 diskSize[0]",
      "value-invalid configs/arch/x86_64.yaml:6:16 packages.a",
      "value-invalid configs/arch/x86_64.yaml:4:21 kernelModules.a",
      "value-invalid configs/arch/x86_64.yaml:5:13 bootloader",
    ],
    [
      /expected a text, got the number 1; quote it$/,
      /expected extlinux, grub-efi, got the text "grubefi"; did you mean "grub-efi"\?$/,
    ],
  ],
  [
    "a list on a map",
    { "configs/arch/x86_64.yaml": "title: x\npackages: [a, b]" },
    ["value-invalid configs/arch/x86_64.yaml:2:11 packages"],
  ],
  [
    "a variant that is excluded but listed",
    {
      "configs/arch/aarch64.yaml":
        "title: aarch64\nexclude:\n  - { firmware: bios, bootstrap: tiny, cloud: aws }",
    },
    ['entry-image-excluded configs/releases.yaml:12:13 versions."3.19".entries[0].images[0]'],
    [/3\.19-aarch64-bios-tiny-aws, .*configs\/arch\/aarch64\.yaml:3:5/],
  ],
  [
    "an image listed twice",
    releases((text) => `${text}          - { arch: x86_64, firmware: bios, bootstrap: tiny, cloud: aws }\n`),
    ['entry-image-repeated configs/releases.yaml:16:13 versions."3.19".entries[0].images[1]'],
  ],
  [
    "a duplicate and a decreasing revision",
    releases((text) => `${text}${entry("3.19.1", 0)}${entry("3.19.2", 3)}${entry("3.19.2", 2)}`),
    [
      'entry-revision-invalid configs/releases.yaml:17:56 versions."3.19".entries[1].revision',
      'entry-revision-invalid configs/releases.yaml:21:56 versions."3.19".entries[3].revision',
    ],
    [/the next is 1$/, /the next is 4$/],
  ],
  [
    "an end of life that is no date",
    releases((text) => text.replace("2025-11-01", "2025-02-30")),
    ['value-invalid configs/releases.yaml:4:16 versions."3.19".endOfLife'],
  ],
  [
    "a revision below 0, and a list without items",
    releases((text) => text.replace("revision: 0", "revision: -1").replace(/images:[^]*/, "images: []")),
    [
      'value-invalid configs/releases.yaml:8:19 versions."3.19".entries[0].revision',
      'value-invalid configs/releases.yaml:11:17 versions."3.19".entries[0].images',
    ],
  ],
  [
    "a package's tag that no repository has",
    { "configs/cloud/aws.yaml": "title: AWS\npackages: { curl: treu, wget: --no-scripts testing }" },
    [
      "unknown-repository-tag configs/cloud/aws.yaml:2:19 packages.curl",
      "unknown-repository-tag configs/cloud/aws.yaml:2:31 packages.wget",
    ],
    [/; did you mean "true"\? \(3\.19\.1-.*-aws and 7 more\)$/, /; known: true, false/],
  ],
  [
    "a date that is a number, is empty, or is missing",
    releases((text) =>
      text
        .replace("2025-11-01", "20251101")
        .replace("date: 2024-01-26", "date:")
        .replace(/ +added.*\n/, ""),
    ),
    [
      'value-invalid configs/releases.yaml:4:16 versions."3.19".endOfLife',
      'value-invalid configs/releases.yaml:7:14 versions."3.19".entries[0].date',
      'value-missing configs/releases.yaml:6:9 versions."3.19".entries[0].added',
    ],
  ],
  [
    "no end of life",
    releases((text) => text.replace(/ +endOfLife.*\n/, "")),
    ['value-missing configs/releases.yaml:5:9 versions."3.19".entries[0]'],
  ],
  [
    "an entry for an unknown version",
    releases((text) => text.replaceAll("3.19", "3.91")),
    ['unknown-version configs/releases.yaml:3:3 versions."3.91"'],
    [/; did you mean "3\.1[89]"\? \(in entry 3\.91\.1 r0\)$/],
  ],
  [
    "a value that is gone, which a rule and an entry still name",
    {
      "configs/cloud/azure.yaml": undefined,
      "configs/bootstrap/tiny.yaml": "{ title: Tiny, when: [{ match: { cloud: azure }, ntpServer: a }] }",
    },
    [
      "unknown-dimension-value configs/bootstrap/tiny.yaml:1:41 when[0].match.cloud",
      'unknown-dimension-value configs/releases.yaml:15:26 versions."3.19".entries[0].images[0].cloud[1]',
    ],
  ],
  [
    "a release of another version",
    releases((text) => text.replace("3.19.1", "3.18.1")),
    ['entry-release-invalid configs/releases.yaml:6:18 versions."3.19".entries[0].release'],
  ],
  [
    "a retired image that the entry doesn't have",
    releases(
      (text) => `${text}        retired: [{ on: 2025-01-01, images: [{ arch: x86_64, cloud: gcp }] }]\n`,
    ),
    [
      'unknown-dimension-value configs/releases.yaml:16:69 versions."3.19".entries[0].retired[0].images[0].cloud',
    ],
  ],
  [
    "a removed image that the entry no longer has",
    releases((text) => `${text.replace("[bios, uefi]", "uefi")}        removing: [{ firmware: bios }]\n`),
    ['entry-selection-empty configs/releases.yaml:16:20 versions."3.19".entries[0].removing[0]'],
  ],
  [
    "broken YAML, and a key twice",
    { "configs/cloud/aws.yaml": "title: [AWS", "configs/cloud/azure.yaml": "title: a\ntitle: b" },
    ["yaml-invalid configs/cloud/aws.yaml:1:12", "yaml-invalid configs/cloud/azure.yaml:2:1"],
  ],
  [
    "an anchor inside itself",
    { "configs/cloud/aws.yaml": "title: AWS\nvars: &a\n  b: *a" },
    ["yaml-invalid configs/cloud/aws.yaml:3:6 vars.b"],
  ],
  [
    "a bomb of aliases",
    {
      "configs/cloud/aws.yaml": ["a: &a [x, x, x, x, x, x, x, x, x]"]
        .concat(
          [..."bcdefghi"].map(
            (key, i) => `${key}: &${key} [${Array(9).fill(`*${"abcdefgh"[i]}`).join(", ")}]`,
          ),
        )
        .join("\n"),
    },
    ["yaml-invalid configs/cloud/aws.yaml:1:26 f[1][5][2][3][1][6]"],
  ],
  ["a file that nothing reads", { "configs/defualts.yaml": "" }, ["file-unused configs/defualts.yaml"]],
  ["a folder that is no dimension", { "configs/clouds/gcp.yaml": "" }, ["file-unused configs/clouds"]],
  [
    "a dimension listed twice",
    { "configs/dimensions.yaml": "[version, arch, firmware, bootstrap, cloud, arch]" },
    ["dimension-name-taken configs/dimensions.yaml arch"],
  ],
  ["no ledger", { "configs/releases.yaml": undefined }, ["file-missing configs/releases.yaml"]],
  [
    "a field that no layer sets",
    { "configs/defaults.yaml": least["configs/defaults.yaml"]!.replace(/bootloader.*\n/, "") },
    ['field-unset configs/releases.yaml:6:9 versions."3.19".entries[0]'],
    [/ bootloader \(3\.19\.1-x86_64-bios-tiny-aws and 15 more\)$/],
  ],
  [
    "a word that nothing is known by",
    { "configs/mandatory.yaml": "storageUrl: file:///{clod}/x" },
    ["placeholder-invalid configs/mandatory.yaml:1:13 storageUrl"],
  ],
  [
    "a region that its cloud doesn't have",
    {
      "configs/regions.yaml": "aws: [us-east-1, eu-west-1]",
      "configs/cloud/aws.yaml": "title: AWS\nregions: { us-esat-1: true }",
      "configs/cloud/azure.yaml": "title: A\nregions: { anywhere: true }",
    },
    ["unknown-region configs/cloud/aws.yaml:2:23 regions.us-esat-1"],
  ],
  [
    "somebody that AWS can't share an image with",
    {
      "configs/cloud/aws.yaml": [
        "title: AWS",
        "access:",
        "  PUBLIC: false",
        "  123456789012: true",
        "  12345678901: true",
        "  arn:aws:organizations::123456789012:organization/o-a1b2c3d4e5: true",
        "  arn:aws:iam::123456789012:root: true",
      ].join("\n"),
      // other clouds have other names
      "configs/cloud/azure.yaml": "title: A\naccess: { somebody: true }",
    },
    [
      "grantee-invalid configs/cloud/aws.yaml:5:16 access.12345678901",
      'grantee-invalid configs/cloud/aws.yaml:7:35 access."arn:aws:iam::123456789012:root"',
    ],
  ],
  [
    "an architecture that the builder doesn't know, and a disk of no size",
    {
      "configs/arch/riscv64.yaml": "title: RISC-V\nreset: [diskSize]\ndiskSize: [16, -16]",
      ...releases((text) => text.replace("[x86_64, aarch64]", "riscv64")),
    },
    [
      'dimension-unsupported configs/releases.yaml:6:9 versions."3.19".entries[0]',
      "value-invalid configs/arch/riscv64.yaml:3:11 diskSize",
    ],
  ],
  [
    "two images under one name",
    { "configs/mandatory.yaml": "{ reset: [name], name: ['{cloud}-{arch}-{firmware}'] }" },
    Array<string>(8).fill("image-name-clash configs/releases.yaml name"),
  ],
];

describe("mistakes", () => {
  for (const [name, files, expected, texts = []] of cases) {
    it(name, () => {
      const root = project(files);
      const load = () => loadDeclared({ root });
      assert.deepEqual(mistakesOf(load).sort(), [...expected].sort());
      const found = faultsOf(load).map(({ message }) => message);
      for (const pattern of texts)
        assert.ok(
          found.some((text) => pattern.test(text)),
          `${pattern} in:\n${found.join("\n")}`,
        );
    });
  }

  it("an overlay folder that isn't there", () => {
    const root = project({ "configs/overlays/testing/defaults.yaml": "" });
    throwsError(() => loadDeclared({ root, overlays: ["testng"] }), {
      code: "overlay-missing",
      where: "testng overlays",
      text: /tried testng, configs\/testng, configs\/overlays\/testng\); did you mean "testing"\?$/,
    });
  });

  it("an overlay that is the project itself, or a file", () => {
    for (const name of ["", ".", "configs", "overlays", "configs/defaults.yaml"]) {
      const root = project({ "configs/overlays/x/defaults.yaml": "" });
      const [found] = mistakesOf(() => loadDeclared({ root, overlays: [name] }));
      assert.equal(found, `overlay-missing ${name || '""'} overlays`);
    }
  });

  it("a version that a stack selects and the ledger lacks", () => {
    const root = project();
    throwsError(() => loadDeclared({ root, versions: ["3.20"] }), {
      code: "unknown-version",
      where: "configs/releases.yaml versions",
      text: /the stack selects version "3\.20", .*; did you mean "3\.19"\?$/,
    });
  });

  it("of several files are all reported in one run", () => {
    const root = project({
      "configs/cloud/aws.yaml": "tittle: AWS",
      "configs/arch/x86_64.yaml": "name: x",
      "configs/releases.yaml": ledger.replace("stage: local", "stage: locl"),
    });
    const load = () => loadDeclared({ root });
    assert.deepEqual(mistakesOf(load).sort(), [
      "unknown-key configs/cloud/aws.yaml:1:1 tittle",
      "value-invalid configs/arch/x86_64.yaml:1:7 name",
      'value-invalid configs/releases.yaml:9:16 versions."3.19".entries[0].stage',
    ]);
    throwsError(load, { code: "configuration-invalid", where: undefined });
  });
});

describe("mistakes in stack settings", () => {
  it("are unknown keys, with the nearest, and wrong types, all at once", () => {
    const raw = {
      "alpine:stagee": "local",
      "alpine:mirror": '{ "nam": "offline" }',
      "alpine:versions": "3.20",
      "alpine:disable": '["sgn"]',
    };
    const read = () => readSettings(raw);
    assert.deepEqual(mistakesOf(read).sort(), [
      'unknown-key stack settings "alpine:mirror".nam',
      'unknown-key stack settings "alpine:stagee"',
      'value-invalid stack settings "alpine:disable"[0]',
      'value-invalid stack settings "alpine:versions"',
    ]);
    const hints = faultsOf(read).flatMap(({ message }) => /did you mean "(.*)"/.exec(message)?.[1] ?? []);
    assert.deepEqual(hints.sort(), ["name", "sign", "stage"]);
  });
});
