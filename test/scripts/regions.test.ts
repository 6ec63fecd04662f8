import { clouds } from "../../clouds/registry.ts";
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { publishedRegions, readRegions } from "../../src/configuration/regions.ts";
import { updateRegions } from "../../src/regions/regions.ts";
import { project, repository } from "../src/configuration/project.ts";
import { rejectsWith } from "../helpers/errors.ts";

const file = "configs/regions.yaml";
const lists = `# ours
aws:
  - eu-west-1 # Ireland
  - us-east-1
azure:
  - westeurope
`;

function start(clouds: Record<string, unknown>, text = lists) {
  const root = project({ [file]: text });
  const from = Object.entries(clouds).map(([cloud, data]) => {
    writeFileSync(join(root, `${cloud}.json`), JSON.stringify(data));
    return `${cloud}=${join(root, `${cloud}.json`)}`;
  });
  return { options: { root, from }, read: () => readFileSync(join(root, file), "utf8") };
}
const aws = (...regions: string[]) => ({
  prefixes: regions.map((region) => ({ ip_prefix: "192.0.2.0/24", region })),
});

const namesOf = (regions: readonly { name: string }[] = []) => regions.map(({ name }) => name);

describe("npm run regions -- update", () => {
  it("adds what is new, in order, and keeps comments", async () => {
    const { options, read } = start({
      aws: aws("us-east-1", "eu-west-1", "eu-north-1", "eu-north-1", "GLOBAL", "cn-north-1", "us-gov-east-1"),
    });
    const { text, warnings } = await updateRegions([], clouds, options);
    assert.match(text, /^aws: added eu-north-1$/m);
    assert.deepEqual(warnings, []);
    assert.equal(read(), lists.replace("aws:\n", "aws:\n  - eu-north-1\n"));
    assert.match((await updateRegions([], clouds, options)).text, /nothing to do/);
  });

  it("keeps a region that the look-up misses, and says so; --drop takes it out", async () => {
    const { options, read } = start({ aws: aws("us-east-1") });
    const { warnings } = await updateRegions([], clouds, options);
    assert.deepEqual(warnings, ["aws: not found, but kept: eu-west-1; remove with --drop REGION"]);
    assert.equal(read(), lists);
    await updateRegions([], clouds, { ...options, drop: ["eu-west-1"] });
    assert.deepEqual(namesOf(readRegions(options.root).aws), ["us-east-1"]);
  });

  it("keeps what is best effort or leaving as that", async () => {
    const bestEffort = "aws:\n  - { bestEffort: eu-west-1 }\n  - { leaving: us-east-1 }\n";
    const { options, read } = start({ aws: aws("eu-west-1", "us-east-1", "eu-north-1") }, bestEffort);
    await updateRegions([], clouds, options);
    assert.equal(read(), bestEffort.replace("aws:\n", "aws:\n  - eu-north-1\n"));
    await updateRegions([], clouds, { ...options, drop: ["eu-west-1"] });
    assert.deepEqual(namesOf(readRegions(options.root).aws), ["eu-north-1", "us-east-1"]);
  });

  it("reads every cloud's own document", async () => {
    const { options } = start({
      azure: [
        { name: "northeurope", metadata: { regionType: "Physical" } },
        { name: "europe", metadata: { regionType: "Logical" } },
      ],
      gcp: { prefixes: [{ scope: "us-central1" }, { scope: "global" }] },
      oci: { regions: [{ region: "uk-london-1" }] },
    });
    await updateRegions([], clouds, options);
    const { azure, gcp, oci } = readRegions(options.root);
    assert.deepEqual(
      { azure: namesOf(azure), gcp: namesOf(gcp), oci: namesOf(oci) },
      { azure: ["northeurope", "westeurope"], gcp: ["us-central1"], oci: ["uk-london-1"] },
    );
  });

  it("refuses a document without regions, an unknown cloud, and a cloud without a public list", async () => {
    const { options, read } = start({ aws: {} });
    await rejectsWith(updateRegions([], clouds, options), {
      code: "upstream-invalid",
      where: `regions ${options.from[0]!.replace("aws=", "")}`,
    });
    await rejectsWith(updateRegions(["awss"], clouds, options), {
      code: "unknown-cloud",
      where: "regions awss",
      text: /did you mean "aws"/,
    });
    await rejectsWith(updateRegions(["azure"], clouds, { root: options.root }), {
      code: "unknown-cloud",
      where: "regions azure",
      text: /--from azure=FILE/,
    });
    assert.equal(read(), lists);
  });
});

describe("published regions", () => {
  const all = { aws: ["a", "b", "c"].map((name) => ({ name, bestEffort: name === "c" })) };
  const published = (regions: Record<string, boolean>, cloud = "aws") =>
    publishedRegions({ cloud, regions }, all);
  const of = (regions: Record<string, boolean>, cloud?: string) => namesOf(published(regions, cloud));

  it("are all, but those that are false, or only those that are true", () => {
    assert.deepEqual(of({ ALL: true }), ["a", "b", "c"]);
    assert.deepEqual(of({ ALL: true, b: false }), ["a", "c"]);
    assert.deepEqual(of({ ALL: false, c: true, a: true, b: false }), ["a", "c"]);
    assert.deepEqual(of({ ALL: true }, "nocloud"), []);
  });

  it("are best effort where the list says so, however they were chosen", () => {
    const bestEffort = (regions: Record<string, boolean>) =>
      namesOf(published(regions).filter((region) => region.bestEffort));
    assert.deepEqual(bestEffort({ ALL: true }), ["c"]);
    assert.deepEqual(bestEffort({ a: true, c: true, elsewhere: true }), ["c"]);
  });

  it("are sorted and without doubles in the project's lists", () => {
    for (const [cloud, regions] of Object.entries(readRegions(repository))) {
      const names = namesOf(regions);
      assert.deepEqual(names, [...new Set(names)].sort(), cloud);
    }
  });
});
