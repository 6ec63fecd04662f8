/**
 * Runs a script in a build guest in namespaces, and prints its result or its error as JSON: `node guest.ts JOB.json`. A program of
 * its own, so that a test can run it as another user.
 */
import { readFileSync, writeFileSync, truncateSync } from "node:fs";
import { json } from "node:stream/consumers";
import path from "node:path";
import { jobArchive } from "../../../src/builder/job.ts";
import { runJob } from "../../../src/builder/guest.ts";
import { findAbilities } from "../../../src/builder/namespace/abilities.ts";
import { hostArchitecture } from "../../../src/builder/host-architecture.ts";
import { consoleTail } from "../../../src/builder/qemu.ts";
import { UserError } from "../../../src/lib/user-error.ts";
import { scratchFolder } from "../../../src/lib/workspace.ts";

/** What to run. */
export interface EscapeJob {
  /** The appliance's archive. */
  archive: string;
  script: string;
  /** Name in /job → file of the host. */
  files: Record<string, string>;
  memoryMib: number;
  deadlineSeconds: number;
}

/** What came of it. */
export interface EscapeResult {
  result?: unknown;
  code?: string;
  message?: string;
  console: string;
}

const job = (await json(process.stdin)) as EscapeJob;
const arch = hostArchitecture()!;
const { host, lacks } = findAbilities(arch);
if (host === undefined) throw new Error(JSON.stringify(lacks));
const scratch = scratchFolder("escapes");
const disk = path.join(scratch, "disk.raw");
writeFileSync(disk, "");
truncateSync(disk, 64 << 20);
const shared = path.join(scratch, "shared");
writeFileSync(shared, "shared by others");
const consoleLog = path.join(scratch, "console.log");
const outcome: Omit<EscapeResult, "console"> = await runJob({
  what: "a test",
  place: { kind: "namespace", host, archive: job.archive },
  job: jobArchive({
    arch,
    main: "test-main",
    sourceDateEpoch: 1_700_000_000,
    keyFiles: [],
    variables: {},
    files: {
      "test-main": job.script,
      ...Object.fromEntries(Object.entries(job.files).map(([name, file]) => [name, readFileSync(file)])),
    },
  }),
  repositories: [],
  mirror: { name: "none", url: "", keyFiles: [] },
  disk,
  sharedDisk: { file: shared, readOnly: true },
  consoleLog,
  scratch,
  memoryMib: job.memoryMib,
  deadlineSeconds: job.deadlineSeconds,
}).then(
  (result) => ({ result }),
  (error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    return { code: error.code, message: error.what };
  },
);
const lines = consoleTail(consoleLog, 200);
process.stdout.write(JSON.stringify({ ...outcome, console: lines } satisfies EscapeResult), () =>
  process.exit(),
);
