/** The double's HTTP face for a test in this process: the SDK's variables lead to it, and are as before at the end. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { join } from "node:path";
import { temporaryFolder } from "../../helpers/temporary.ts";
import type { CallRecord } from "./cloud.ts";
import { type FaultPlan, planFile } from "./faults.ts";
import { serveCloud, type ServeOptions } from "./http/server.ts";

export interface TestEndpoint {
  url: string;
  folder: string;
  /** What programs need in their environment. */
  environment: Record<string, string>;
  breakBy(plan: FaultPlan): void;
  /** The calls since the last time this was asked. */
  calls(): CallRecord[];
  close(): void;
}

/** Nothing takes time in this cloud. */
export async function testEndpoint(options: ServeOptions = {}): Promise<TestEndpoint> {
  const folder = temporaryFolder();
  const polls = { visible: 0, register: 0, copy: 0, import: 0, parameter: 0, blockPublicAccess: 0 };
  writeFileSync(join(folder, "settings.json"), JSON.stringify({ polls }));
  const { url, server } = await serveCloud(folder, options);
  const environment = {
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: "111122223333",
    AWS_SECRET_ACCESS_KEY: "double",
  };
  const before = Object.fromEntries(Object.keys(environment).map((name) => [name, process.env[name]]));
  Object.assign(process.env, environment);
  const log = join(folder, "calls.jsonl");
  let told = 0;
  return {
    ...{ url, folder, environment },
    breakBy: (plan) => writeFileSync(join(folder, planFile), JSON.stringify(plan)),
    calls() {
      const lines = existsSync(log) ? readFileSync(log, "utf8").trimEnd().split("\n") : [];
      const news = lines.slice(told).map((line) => JSON.parse(line) as CallRecord);
      told = lines.length;
      return news;
    },
    close() {
      for (const [name, value] of Object.entries(before)) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
      closeServer(server);
    },
  };
}

export function closeServer(server: Server): void {
  server.closeAllConnections();
  server.close();
}
