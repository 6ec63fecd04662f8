/** A test's settings for its cloud, from `settings.json` in the emulator's folder. All are optional. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { optInRegions, regionsWithoutOptIn } from "./cloud/describe.ts";
import { defaultPolls, type Polls } from "./cloud/world.ts";

const regionName = z.enum([...regionsWithoutOptIn, ...optInRegions]);
const polls = z.int().min(0);

const settingsSchema = z.strictObject({
  /** The cloud's fixed time. @default the machine's clock */
  now: z.iso.datetime().optional(),
  polls: z
    .strictObject({
      visible: polls,
      register: polls,
      copy: polls,
      import: polls,
      parameter: polls,
      blockPublicAccess: polls,
    } satisfies Record<keyof Polls, unknown>)
    .partial()
    .default({}),
  /** Regions that accounts have enabled, besides those enabled by default. */
  optedIn: z.array(regionName).default([]),
  /** Accounts that exist, where it matters. @default any twelve digits */
  accounts: z.array(z.string().regex(/^\d{12}$/)).optional(),
});

export interface Settings {
  now: number;
  polls: Polls;
  enabledRegions: string[];
  accounts?: string[];
}

export type SettingsFile = z.input<typeof settingsSchema>;

export function readSettings(folder: string): Settings {
  const parsed = settingsSchema.parse(JSON.parse(readIfThere(join(folder, "settings.json")) ?? "{}"));
  const settings: Settings = {
    now: parsed.now === undefined ? Date.now() : Date.parse(parsed.now),
    polls: { ...defaultPolls, ...withoutUndefined(parsed.polls) },
    enabledRegions: [...regionsWithoutOptIn, ...parsed.optedIn].sort(),
  };
  if (parsed.accounts !== undefined) settings.accounts = parsed.accounts;
  return settings;
}

function withoutUndefined(given: { [K in keyof Polls]?: number | undefined }): Partial<Polls> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** A file's text. Undefined if the file does not exist. */
export function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
