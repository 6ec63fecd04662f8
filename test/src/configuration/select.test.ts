import assert from "node:assert/strict";
import fc from "fast-check";
import { idlePatterns, isSelected, matchesPattern } from "../../../src/configuration/select.ts";
import { someVariant } from "../../helpers/variant.ts";

/** An image with these words, the first of which is its version. */
function imageOf(...words: string[]) {
  const dimensions = Object.fromEntries(words.map((word, i) => [`d${i}`, word]));
  const key = words.join("-");
  return someVariant({ dimensions, configKey: key, imageKey: key.replace(/^[^-]*/, "3.23.6"), revision: 2 });
}

const image = imageOf("3.23", "x86_64", "bios", "tiny", "aws");
const matching = (...patterns: string[]) => patterns.filter((pattern) => matchesPattern(image, pattern));

describe("a pattern", () => {
  it("matches a whole word of the image's key", () => {
    assert.deepEqual(matching("aws", "3.23", "x86_64", "3.2", "23", "AWS", "3_23", "tiny-aws"), [
      "aws",
      "3.23",
      "x86_64",
    ]);
  });

  it("has *, ?, [ab], [!a], ranges and {a,b}, as a shell has them", () => {
    const globs = ["*", "a*", "*s", "a**s", "3.2?", "3.2[3-5]", "3.2[!0-2]", "a{ws,zure}", "{x86_*,aarch64}"];
    assert.deepEqual(matching(...globs), globs);
    assert.deepEqual(matching("a?", "3.2[!3]", "a[!w]s", "{azure,gcp}", "3*23?", "?"), []);
    assert.deepEqual(matching("{3.{19,2[0-4]},edge}"), ["{3.{19,2[0-4]},edge}"]);
  });

  it("with a dash also matches a whole key, by version or release, with or without its revision", () => {
    const whole = [
      "3.23-x86_64-bios-tiny-aws",
      "3.23.6-x86_64-bios-tiny-aws",
      "3.23.6-x86_64-bios-tiny-aws-r2",
      "3.23.6-*-aws",
      "*-r[2-9]",
      "3.2{3,4}-*",
      "*-bios-*",
    ];
    assert.deepEqual(matching(...whole), whole);
    assert.deepEqual(matching("3.23.6", "3.23.6-*-azure", "*-r1", "bios-tiny", "-", "23.6-*"), []);
  });

  it("is taken as it is where it is no glob, whatever other programs make of such signs", () => {
    const plain = [
      "!aws",
      "+(aws)",
      "@(aws)",
      "!(azure)",
      "?(aws)",
      "^aws",
      "aws$",
      "a.s",
      "a|aws",
      "a+",
      "#aws",
    ];
    assert.deepEqual(matching(...plain), []);
    assert.deepEqual(
      matching("", "[", "]", "{", "}", "{aws", "aws}", "[aws", "a,b", "(", "\\", "./", "/"),
      [],
    );
    for (const word of ["!aws", "^aws", "aws$", "a+", "a|b", "+(a)", "@a", "#a"]) {
      assert.ok(matchesPattern(imageOf(word), word), word);
    }
  });

  it("knows no hidden words: a dot is a sign like others", () => {
    for (const pattern of ["*", ".*", "?hidden", "[.]hidden", "*den"]) {
      assert.ok(matchesPattern(imageOf(".hidden"), pattern), pattern);
    }
  });

  it("that is empty matches nothing, and is idle", () => {
    assert.deepEqual(idlePatterns([image], { only: ["", "aws"], skip: ["gcp"] }), ["", "gcp"]);
    assert.equal(isSelected(image, { only: [""] }), false);
    assert.equal(isSelected(image, { skip: [""] }), true);
  });
});

/** A part of a pattern, and what it means as a regular expression. */
type Part = readonly [glob: string, meaning: string];

const letters = fc.constantFrom("a", "b", "c", "1", "2", "_", ".");
const literal = letters.map((letter): Part => [letter, letter.replace(".", "\\.")]);
const set = fc.uniqueArray(fc.constantFrom("a", "b", "c", "1", "2"), { minLength: 1, maxLength: 3 });
const simple = fc.oneof(
  literal,
  fc.constant<Part>(["*", ".*"]),
  fc.constant<Part>(["?", "."]),
  set.map((set): Part => [`[${set.join("")}]`, `[${set.join("")}]`]),
  set.map((set): Part => [`[!${set.join("")}]`, `[^${set.join("")}]`]),
);
const joined = (parts: readonly Part[]): Part => [
  parts.map(([glob]) => glob).join(""),
  parts.map(([, meaning]) => meaning).join(""),
];
const alternatives = fc
  .array(fc.array(simple, { minLength: 1, maxLength: 3 }).map(joined), { minLength: 2, maxLength: 3 })
  .map((choices): Part => [
    `{${choices.map(([glob]) => glob).join(",")}}`,
    `(?:${choices.map(([, meaning]) => meaning).join("|")})`,
  ])
  // {1..3} is a range, in a shell as well.
  .filter(([glob]) => !glob.includes(".."));
const pattern = fc.array(fc.oneof(simple, alternatives), { minLength: 1, maxLength: 5 }).map(joined);
const word = fc
  .string({ unit: letters, minLength: 1, maxLength: 6 })
  // Nothing in an image's key ends with a dot. To picomatch, which matches files, such names are special.
  .filter((word) => !word.endsWith("."));

describe("patterns", () => {
  it("mean what their parts mean, one after the other", () => {
    fc.assert(
      fc.property(pattern, word, ([glob, meaning], word) => {
        assert.equal(
          matchesPattern(imageOf(word), glob),
          new RegExp(`^${meaning}$`).test(word),
          `${glob} and ${word}`,
        );
      }),
      { numRuns: 500 },
    );
  });

  it("of keys, too", () => {
    const dashed = fc.tuple(pattern, pattern).map((parts) => joined([parts[0], ["-", "-"], parts[1]]));
    fc.assert(
      fc.property(dashed, word, word, ([glob, meaning], first, second) => {
        const image = imageOf(first, second);
        const keys = [image.configKey, image.imageKey, `${image.imageKey}-r2`];
        const expected = keys.some((key) => new RegExp(`^${meaning}$`).test(key));
        assert.equal(matchesPattern(image, glob), expected, `${glob} and ${keys.join(", ")}`);
      }),
      { numRuns: 500 },
    );
  });

  it("of any signs never fail", () => {
    const signs = fc.string({
      unit: fc.constantFrom(..."ab.*?[]{}!,()+@|\\^$-/:1".split("")),
      maxLength: 12,
    });
    fc.assert(
      fc.property(signs, (signs) => typeof matchesPattern(image, signs) === "boolean"),
      { numRuns: 500 },
    );
  });
});
