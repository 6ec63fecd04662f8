/** The folder of an emulated cloud, with which tests inspect, change and break the cloud. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { newRegion, type Region } from "./cloud/state.ts";
import type { CallRecord } from "./cloud.ts";
import { planFile, type CallName, type FaultPlan } from "./faults.ts";
import type { SettingsFile } from "./settings.ts";
import { readJson } from "./store.ts";

/** A region of an account, with everything in it. */
export interface AccountRegion {
  account: string;
  name: string;
  region: Region;
}

export class CloudFolder {
  public readonly folder: string;

  public constructor(folder: string, settings: SettingsFile = {}) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, "settings.json"),
      JSON.stringify({ now: "2026-11-23T12:00:00Z", ...settings }),
    );
  }

  public region(account: string, name: string): Region {
    return readJson(this.file(account, name), newRegion);
  }

  /** Every region in which an account has done anything. */
  public regions(): AccountRegion[] {
    const accounts = readdirSync(this.folder).filter((name) => /^\d{12}$/.test(name));
    return accounts.sort().flatMap((account) =>
      readdirSync(join(this.folder, account))
        .filter((file) => file.endsWith(".json") && file !== "global.json")
        .map((file) => file.slice(0, -".json".length))
        .sort()
        .map((name) => ({ account, name, region: this.region(account, name) })),
    );
  }

  /** Changes the cloud without a call, to simulate drift. */
  public meddle(account: string, name: string, change: (region: Region) => void): void {
    const region = this.region(account, name);
    change(region);
    mkdirSync(join(this.folder, account), { recursive: true });
    writeFileSync(this.file(account, name), JSON.stringify(region));
  }

  public breakBy(plan: FaultPlan): void {
    writeFileSync(join(this.folder, planFile), JSON.stringify(plan));
  }

  /** The calls since the last time, in order. */
  public takeCalls(): CallRecord[] {
    const file = join(this.folder, "calls.jsonl");
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    writeFileSync(file, "");
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as CallRecord);
  }

  public takeActions(): CallName[] {
    return this.takeCalls().map(({ action }) => action);
  }

  private file(account: string, name: string): string {
    return join(this.folder, account, `${name}.json`);
  }
}
