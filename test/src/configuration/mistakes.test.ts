/** Bad input: every mistake with its place and what to do, all of them at once, and nothing dropped. */
import assert from "node:assert/strict";
import { complaints, least, problems } from "./project.ts";
import { readSettings } from "../../helpers/configuration.ts";

const ledger = least["configs/releases.yaml"]!;
const releases = (change: (text: string) => string) => ({ "configs/releases.yaml": change(ledger) });
const entry = (release: string, revision: number) => `
      - { release: ${release}, date: 2024-01-26, revision: ${revision}, stage: local, added: 2024-02-01,
          images: [{ arch: x86_64, firmware: bios, bootstrap: tiny, cloud: aws }] }`;

/** What is given, and what is said about it. */
const cases: [string, Record<string, string | undefined>, RegExp[]][] = [
  [
    "an unknown dimension value in a rule",
    { "configs/cloud/aws.yaml": "title: AWS\nexclude:\n  - { version: 3.18, arch: aarch46 }" },
    [
      /^configs\/cloud\/aws\.yaml:3:28: exclude\[0\]\.arch: unknown arch "aarch46"; did you mean "aarch64"\?$/,
    ],
  ],
  [
    "an unknown dimension in a rule",
    { "configs/cloud/aws.yaml": "title: AWS\nwhen:\n  - match: { frimware: bios }\n    login: x" },
    [
      /^configs\/cloud\/aws\.yaml:3:14: when\[0\]\.match\.frimware: unknown dimension; did you mean "firmware"\?$/,
    ],
  ],
  [
    "an unknown dimension value in the ledger",
    releases((text) => text.replace("cloud: [aws, azure]", "cloud: [aws, azur]")),
    [
      /^configs\/releases\.yaml:15:26: .*\.cloud\[1\]: unknown cloud "azur"; did you mean "azure"\? \(named by entry 3\.19\.1 r0\)$/,
    ],
  ],
  [
    "a dimension that an entry doesn't mention",
    releases((text) => text.replace(/ +bootstrap: .*\n/, "")),
    [
      /^configs\/releases\.yaml:12:13: .*images\[0\]: 3\.19\.1 r0 doesn't say which bootstrap: one or more of cloudinit, tiny$/,
    ],
  ],
  [
    "a mistyped key",
    { "configs/cloud/aws.yaml": "title: AWS\nkernelOption:\n  x: true" },
    [/^configs\/cloud\/aws\.yaml:2:1: kernelOption: unknown key; did you mean "kernelOptions"\?$/],
  ],
  [
    "a mistyped key inside when",
    { "configs/cloud/aws.yaml": "title: AWS\nwhen:\n  - match: { arch: x86_64 }\n    pakages: { a: true }" },
    [/^configs\/cloud\/aws\.yaml:4:5: when\[0\]\.pakages: unknown key; did you mean "packages"\?$/],
  ],
  [
    "wrong types",
    {
      "configs/arch/x86_64.yaml":
        "title: 1\nname: x86\ndiskSize: [a]\nkernelModules: { a: yes }\nbootloader: grubefi\npackages: { a: --noscript }",
    },
    [
      /x86_64\.yaml:1:8: title: expected a text, got the number 1; quote it$/,
      /x86_64\.yaml:2:7: name: expected a list, got the text "x86"$/,
      /x86_64\.yaml:3:12: diskSize\[0\]: expected a number, got the text "a"$/,
      /x86_64\.yaml:4:21: kernelModules\.a: expected true or false, got the text "yes"$/,
      /x86_64\.yaml:5:13: bootloader: expected extlinux, grub-efi, got the text "grubefi"; did you mean "grub-efi"\?$/,
      /x86_64\.yaml:6:16: packages\.a: expected .*--no-scripts TAG/,
    ],
  ],
  [
    "a list on a map",
    { "configs/arch/x86_64.yaml": "title: x\npackages: [a, b]" },
    [/x86_64\.yaml:2:11: packages: expected a map, got a list$/],
  ],
  [
    "a variant that is excluded but listed",
    {
      "configs/arch/aarch64.yaml":
        "title: aarch64\nexclude:\n  - { firmware: bios, bootstrap: tiny, cloud: aws }",
    },
    [
      /^configs\/releases\.yaml:12:13: .*3\.19\.1 r0 names 3\.19-aarch64-bios-tiny-aws, which configs\/arch\/aarch64\.yaml:3:5 excludes/,
    ],
  ],
  [
    "an image listed twice",
    releases((text) => `${text}          - { arch: x86_64, firmware: bios, bootstrap: tiny, cloud: aws }\n`),
    [/^configs\/releases\.yaml:16:13: .*images\[1\]: 3\.19\.1 r0 names 3\.19-x86_64-bios-tiny-aws twice$/],
  ],
  [
    "a duplicate and a decreasing revision",
    releases((text) => `${text}${entry("3.19.1", 0)}${entry("3.19.2", 3)}${entry("3.19.2", 2)}`),
    [
      /entries\[1\]\.revision: 3\.19\.1 r0 is here twice: .*the next is 1$/,
      /entries\[3\]\.revision: 3\.19\.2 r2 comes after a higher one: .*the next is 4$/,
    ],
  ],
  [
    "an end of life that is no date",
    releases((text) => text.replace("2025-11-01", "2025-02-30")),
    [
      /^configs\/releases\.yaml:4:16: versions\."3\.19"\.endOfLife: expected a date as YYYY-MM-DD, got the text "2025-02-30"$/,
    ],
  ],
  [
    "a revision below 0, and a list without items",
    releases((text) => text.replace("revision: 0", "revision: -1").replace(/images:[^]*/, "images: []")),
    [/\.revision: expected 0 or more, got the number -1$/, /\.images: expected 1 or more items, got a list$/],
  ],
  [
    "a package's tag that no repository has",
    { "configs/cloud/aws.yaml": "title: AWS\npackages: { curl: treu, wget: --no-scripts testing }" },
    [
      /^configs\/cloud\/aws\.yaml:2:19: packages\.curl: no repository has the tag "treu"; did you mean "true"\? \(3\.19\.1-.*-aws and 7 more\)$/,
      /^configs\/cloud\/aws\.yaml:2:31: packages\.wget: no repository has the tag "testing"; there is true, false/,
    ],
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
      /releases\.yaml:4:16: .*\.endOfLife: expected a date as YYYY-MM-DD, got the number 20251101$/,
      /releases\.yaml:7:14: .*\.date: expected a date as YYYY-MM-DD, got null$/,
      /releases\.yaml:\d+:\d+: .*\.added: is missing: expected a date as YYYY-MM-DD$/,
    ],
  ],
  [
    "no end of life",
    releases((text) => text.replace(/ +endOfLife.*\n/, "")),
    [/releases\.yaml:5:9: .*neither this entry nor its version has an endOfLife$/],
  ],
  [
    "an entry for an unknown version",
    releases((text) => text.replaceAll("3.19", "3.91")),
    [
      /^configs\/releases\.yaml:3:3: versions\."3\.91": unknown version; did you mean "3\.1[89]"\? \(named by entry 3\.91\.1 r0\)$/,
    ],
  ],
  [
    "a value that is gone, which a rule and an entry still name",
    {
      "configs/cloud/azure.yaml": undefined,
      "configs/bootstrap/tiny.yaml": "{ title: Tiny, when: [{ match: { cloud: azure }, ntpServer: a }] }",
    },
    [
      /^configs\/bootstrap\/tiny\.yaml:1:\d+: when\[0\]\.match\.cloud: unknown cloud "azure"/,
      /^configs\/releases\.yaml:15:26: .*unknown cloud "azure".*\(named by entry 3\.19\.1 r0\)$/,
    ],
  ],
  [
    "a release of another version",
    releases((text) => text.replace("3.19.1", "3.18.1")),
    [/^configs\/releases\.yaml:6:18: .*\.release: expected 3\.19\.N or 3\.19\.N_rcN, got "3\.18\.1"$/],
  ],
  [
    "a retired image that the entry doesn't have",
    releases(
      (text) => `${text}        retired: [{ on: 2025-01-01, images: [{ arch: x86_64, cloud: gcp }] }]\n`,
    ),
    [/unknown cloud "gcp"/],
  ],
  [
    "a removed image that the entry no longer has",
    releases((text) => `${text.replace("[bios, uefi]", "uefi")}        removing: [{ firmware: bios }]\n`),
    [/releases\.yaml:16:20: .*\.removing\[0\]: 3\.19\.1 r0 has no such image$/],
  ],
  [
    "broken YAML, and a key twice",
    { "configs/cloud/aws.yaml": "title: [AWS", "configs/cloud/azure.yaml": "title: a\ntitle: b" },
    [/aws\.yaml:1:12: /, /azure\.yaml:2:1: .*unique/],
  ],
  [
    "an anchor inside itself",
    { "configs/cloud/aws.yaml": "title: AWS\nvars: &a\n  b: *a" },
    [/aws\.yaml:3:6: vars\.b: alias \*a is inside its own anchor: a cycle$/],
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
    [/aws\.yaml:\d+:\d+: .*more than 200000 values once aliases are followed/],
  ],
  [
    "a file that nothing reads",
    { "configs/defualts.yaml": "" },
    [/^configs\/defualts\.yaml: nothing reads this file; did you mean "defaults\.yaml"\?$/],
  ],
  [
    "a folder that is no dimension",
    { "configs/clouds/gcp.yaml": "" },
    [
      /^configs\/clouds: not a dimension; did you mean "cloud"\? To add one, list it in configs\/dimensions\.yaml$/,
    ],
  ],
  [
    "a dimension listed twice",
    { "configs/dimensions.yaml": "[version, arch, firmware, bootstrap, cloud, arch]" },
    [/arch: this dimension is listed twice$/],
  ],
  ["no ledger", { "configs/releases.yaml": undefined }, [/^configs\/releases\.yaml: there is no such file$/]],
  [
    "a field that no layer sets",
    { "configs/defaults.yaml": least["configs/defaults.yaml"]!.replace(/bootloader.*\n/, "") },
    [
      /^configs\/releases\.yaml:6:9: .*no layer sets bootloader \(3\.19\.1-x86_64-bios-tiny-aws and 15 more\)$/,
    ],
  ],
  [
    "a word that nothing is known by",
    { "configs/mandatory.yaml": "storageUrl: file:///{clod}/x" },
    [
      /^configs\/mandatory\.yaml:1:13: storageUrl: nothing is known by the name \{clod\}; did you mean "cloud"\? \(3\.19\.1-.* and 15 more\)$/,
    ],
  ],
  [
    "a region that its cloud doesn't have",
    {
      "configs/regions.yaml": "aws: [us-east-1, eu-west-1]",
      "configs/cloud/aws.yaml": "title: AWS\nregions: { us-esat-1: true }",
      "configs/cloud/azure.yaml": "title: A\nregions: { anywhere: true }",
    },
    [
      /^configs\/cloud\/aws\.yaml:2:23: regions\.us-esat-1: unknown region "us-esat-1"; did you mean "us-east-1"\? \(from /,
    ],
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
      /^configs\/cloud\/aws\.yaml:5:16: access\.12345678901: "12345678901" is 11 digits, and an account has twelve: expected PUBLIC, /,
      /^configs\/cloud\/aws\.yaml:7:35: access\.\S+: "arn:aws:iam::123456789012:root" is not a grantee: expected PUBLIC, /,
    ],
  ],
  [
    "an architecture that the builder doesn't know, and a disk of no size",
    {
      "configs/arch/riscv64.yaml": "title: RISC-V\nreset: [diskSize]\ndiskSize: [16, -16]",
      ...releases((text) => text.replace("[x86_64, aarch64]", "riscv64")),
    },
    [
      /arch "riscv64" can't be built, only x86_64, aarch64 \(.* and 7 more\)$/,
      /riscv64\.yaml:3:11: diskSize: adds up to 0 MiB/,
    ],
  ],
  [
    "two images under one name",
    { "configs/mandatory.yaml": "{ reset: [name], name: ['{cloud}-{arch}-{firmware}'] }" },
    Array<RegExp>(8).fill(/would both be stored as file:\/\/\/storage\//),
  ],
];

describe("mistakes", () => {
  for (const [name, files, expected] of cases) {
    it(name, () => {
      const found = problems(files);
      for (const pattern of expected)
        assert.ok(
          found.some((text) => pattern.test(text)),
          `${pattern} in:\n${found.join("\n")}`,
        );
      assert.equal(found.length, expected.length, found.join("\n"));
    });
  }

  it("an overlay folder that isn't there", () => {
    const files = { "configs/overlays/testing/defaults.yaml": "" };
    assert.deepEqual(problems(files, { overlays: ["testng"] }), [
      'testng: overlays: there is no such overlay folder (looked for testng, configs/testng, configs/overlays/testng); did you mean "testing"?',
    ]);
  });

  it("an overlay that is the project itself, or a file", () => {
    for (const name of ["", ".", "configs", "overlays", "configs/defaults.yaml"]) {
      assert.match(
        problems({ "configs/overlays/x/defaults.yaml": "" }, { overlays: [name] })[0]!,
        /no such overlay folder/,
        name,
      );
    }
  });

  it("a version that a stack selects and the ledger lacks", () => {
    const [found] = problems({}, { versions: ["3.20"] });
    assert.match(
      found!,
      /the stack selects version "3\.20", which the ledger lacks; did you mean "3\.19"\?$/,
    );
  });

  it("of several files are all reported in one run", () => {
    const found = problems({
      "configs/cloud/aws.yaml": "tittle: AWS",
      "configs/arch/x86_64.yaml": "name: x",
      "configs/releases.yaml": ledger.replace("stage: local", "stage: locl"),
    });
    assert.equal(found.length, 3, found.join("\n"));
    assert.ok(
      found.some((text) => /releases\.yaml:9:16: .*expected local, upload.* did you mean "local"/.test(text)),
    );
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
    const found = complaints(() => readSettings(raw));
    assert.equal(found.length, 4, found.join("\n"));
    assert.ok(found.some((text) => /stagee.*unknown setting; did you mean "stage"\?/.test(text)));
    assert.ok(found.some((text) => /mirror.*nam: unknown key; did you mean "name"\?/.test(text)));
    assert.ok(found.some((text) => /versions.*expected a list/.test(text)));
    assert.ok(found.some((text) => /disable.*did you mean "sign"\?/.test(text)));
  });
});
