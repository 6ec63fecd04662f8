/**
 * The fault matrix of publishing to AWS: each step of the chain fails before its effect, fails after it, or has the power cut
 * right after it. Then come `npm run recover` and the same `up` again, and the cloud must hold what the ledger declares. Or it
 * is taken back in place of run again: then nothing may be left of it.
 */
import assert from "node:assert/strict";
import type { Fault, FaultPlan } from "../doubles/aws/faults.ts";
import { columns } from "../../src/lib/table.ts";
import { skipWithoutMoto, startMoto, type Moto } from "../doubles/moto.ts";
import { home, PublishedImages, type StepFault } from "./published-images.ts";

type Break = "fails before" | "fails after" | "is killed";
const breaks: readonly Break[] = ["fails before", "fails after", "is killed"];

/** A step of the chain: a call to the cloud, or a command that writes files. */
interface Row {
  name: string;
  call?: Pick<Fault, "action"> & Partial<Pick<Fault, "region" | "parameters">>;
  command?: Pick<StepFault, "step">;
}

const away = "eu-west-1";
const rows: readonly Row[] = [
  { name: "upload", call: { action: "CompleteMultipartUpload" } },
  { name: "import", call: { action: "ImportSnapshot" } },
  { name: "register", call: { action: "RegisterImage" } },
  { name: "copy", call: { action: "CopyImage", region: away } },
  { name: "deprecation of the copy", call: { action: "EnableImageDeprecation", region: away } },
  { name: "launch permission", call: { action: "ModifyImageAttribute", region: away } },
  { name: "snapshots", call: { action: "CreateTags", region: away, parameters: "snap-" } },
  { name: "channel's parameter", call: { action: "PutParameter", region: away } },
  { name: "channel read back", command: { step: "aws-read-back-channel" } },
  { name: "metadata", command: { step: "metadata" } },
];
const directRows: readonly Row[] = [
  { name: "blocks written directly", call: { action: "CompleteSnapshot" } },
];

/** What a cell of the table says: nothing is wrong, or what is. */
type Outcome = string[];

describe("AWS: every step of the chain, broken in every way", function () {
  this.timeout(300_000);
  const outcomes = new Map<string, Outcome>();
  let moto: Moto | undefined;

  before(async function () {
    await skipWithoutMoto(this);
    moto = await startMoto();
  });
  after(() => moto?.stop());

  matrix("by VM Import", rows, "vmimport");
  matrix("by EBS direct", directRows, "direct");

  function matrix(title: string, chain: readonly Row[], importMethod: "vmimport" | "direct"): void {
    describe(title, () => {
      let project: PublishedImages | undefined;
      before(async () => {
        const regions = [home, away, "ap-northeast-1"];
        const settings = { stage: "upload" as const, aws: { importMethod } };
        project = new PublishedImages(moto!, { regions, settings });
        await project.begin();
        await project.up();
        await project.declare({ settings: { ...settings, stage: "release" } });
        project.remember("uploaded");
      });
      after(() => project?.end());

      for (const row of chain) {
        for (const way of breaks) {
          it(`${row.name} ${way}`, async () => {
            const outcome = await cell(project!, row, way);
            outcomes.set(`${row.name} ${way}`, outcome);
            assert.equal(outcome.length, 0, outcome.join("\n"));
          });
        }
      }
    });
  }

  describe("rolled back in place of run again", () => {
    let project: PublishedImages | undefined;
    const declare = (stage: "import" | "release") => project!.declare({ settings: { stage } });
    before(async () => {
      const layer = { aws: { shareSnapshots: true } };
      project = new PublishedImages(moto!, { regions: [home, away], layer, settings: { stage: "import" } });
      await project.begin();
      await project.up();
    });
    after(() => project?.end());

    /** A publishing run has the power cut after a call of it; then comes `npm run recover`. */
    const killed = async (call: NonNullable<Row["call"]>): Promise<void> => {
      await declare("release");
      project!.cloud.breakBy([{ ...call, when: "after", does: "kill-engine" }]);
      assert.equal((await project!.tryUp()).code, null);
      const recovered = await project!.recover();
      assert.equal(recovered.code, 0, recovered.stderr);
    };

    for (const [what, action] of [
      ["whom an image is shared with", "ModifyImageAttribute"],
      ["whom its snapshot is shared with", "ModifySnapshotAttribute"],
    ] as const) {
      it(`a lowered stage takes back ${what}, of which the state knew nothing`, async () => {
        await killed({ action, region: home });
        await declare("import");
        await project!.up();
        assert.deepEqual([...(await project!.differences()), ...(await project!.unrecorded())], []);
      });
    }

    it("a stage that is lowered before the recovery takes back a channel, of which the state knew nothing", async () => {
      await declare("release");
      project!.cloud.breakBy([{ action: "PutParameter", region: home, when: "after", does: "kill-engine" }]);
      assert.equal((await project!.tryUp()).code, null);
      await declare("import");
      const recovered = await project!.recover();
      assert.equal(recovered.code, 0, recovered.stderr);
      await project!.up();
      assert.deepEqual([...(await project!.differences()), ...(await project!.unrecorded())], []);
    });

    it("a destroy leaves no copy behind", async () => {
      await killed({ action: "CopyImage", region: away });
      await project!.destroy();
      assert.deepEqual(await project!.found(), {});
    });
  });

  // In a suite of its own, for mocha runs a suite's tests before the suites in it.
  describe("in all", () => {
    it("is made good, and counted", () => {
      const all = [...rows, ...directRows].map((row) =>
        breaks.map((way) => outcomes.get(`${row.name} ${way}`)),
      );
      const lines = [...rows, ...directRows].map((row, index) => {
        const shown = all[index]!.map((outcome) =>
          outcome === undefined ? "not run" : outcome.length === 0 ? "good" : `${outcome.length} wrong`,
        );
        return [row.name, ...shown];
      });
      const good = all.flat().filter((outcome) => outcome?.length === 0).length;
      console.log(`${columns([["", ...breaks], ...lines])}\n${good} of ${all.flat().length} cells good`);
      assert.equal(good, all.flat().length);
    });
  });
});

/** Breaks a run, recovers, runs again; what is wrong then, or was dangerous in between. */
async function cell(project: PublishedImages, row: Row, way: Break): Promise<Outcome> {
  await project.goBack("uploaded");
  project.cloud.takeCalls();
  const when = way === "fails before" ? "before" : "after";
  const does = way === "is killed" ? "kill-engine" : "fail";
  const plan: FaultPlan = row.call === undefined ? [] : [{ ...row.call, when, does }];
  if (row.command !== undefined) {
    const operation = row.command.step === "metadata" ? "update" : "create";
    project.breakStep({ ...row.command, operation, when, does });
  }
  project.cloud.breakBy(plan);
  const broken = await project.tryUp();
  assert.ok(does === "fail" ? broken.code : broken.code === null, broken.output);
  const isMet = project.cloud.takeCalls().some(({ fault }) => fault !== undefined);
  assert.equal(isMet, row.call !== undefined, "the cloud met the fault");
  assert.equal(project.isStepFaultPending, false, "the command met the fault");

  const dangers = [...(await project.dangers()), ...project.misdescribed(false)];
  const wrong = dangers.map((danger) => `before recover: ${danger}`);
  const recovered = await project.recover();
  if (recovered.code !== 0) wrong.push(`recover ended with ${recovered.code}: ${recovered.stderr}`);
  const again = await project.tryUp();
  if (again.code !== 0) wrong.push(`up ended with ${again.code}: ${lastLines(again.output)}`);
  return [
    ...wrong,
    ...(await project.differences()),
    ...(await project.unrecorded()),
    ...project.misdescribed(true),
  ];
}

const lastLines = (output: string): string =>
  output
    .split("\n")
    .filter((line) => /error|fail/i.test(line))
    .slice(-6)
    .join("\n");
