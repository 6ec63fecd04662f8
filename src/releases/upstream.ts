/** Reads Alpine's list of releases: releases.json. */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { compareReleases } from "../configuration/ledger-edit.ts";
import { ConfigError } from "../configuration/source.ts";
import { defined } from "../lib/defined.ts";
import { localPath } from "../lib/file-url.ts";
import { fromJson } from "../lib/from-json.ts";

export const RELEASES_URL = "https://alpinelinux.org/releases.json";
const POSTS_URL = "https://alpinelinux.org/posts/";
const TIMEOUT_MS = 20_000;

const schema = z.object({
  release_branches: z.array(
    z.object({
      rel_branch: z.string(),
      eol_date: z.string().optional(),
      releases: z
        .array(z.object({ version: z.string(), date: z.string(), notes: z.string().optional() }))
        .optional(),
    }),
  ),
});

export interface Branch {
  endOfLife?: string;
  /** Newest last. */
  releases: { release: string; date: string; releaseNotes?: string }[];
}

/** Reads releases.json. @returns version to branch */
export async function readReleases(from: string = RELEASES_URL): Promise<Map<string, Branch>> {
  const text = (await read(from)).toString("utf8");
  const result = schema.safeParse(fromJson(text));
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new ConfigError([
      {
        code: "upstream-invalid",
        file: from,
        path: issue!.path.join("."),
        message: `not Alpine's releases.json: ${issue!.message}`,
      },
    ]);
  }
  return new Map(
    result.data.release_branches.map(({ rel_branch, eol_date, releases = [] }) => [
      rel_branch.replace(/^v/, ""),
      {
        ...defined({ endOfLife: eol_date }),
        releases: [...releases]
          .sort((a, b) => a.date.localeCompare(b.date) || compareReleases(a.version, b.version))
          .map(({ version, date, notes }) => ({
            release: version,
            date,
            ...(notes === undefined
              ? {}
              : { releaseNotes: `${POSTS_URL}${notes.replace(/^posts\//, "").replace(/\.md$/, ".html")}` }),
          })),
      },
    ]),
  );
}

/** Reads a URL or a file. `file://` works as in a stack's settings. */
export async function read(from: string): Promise<Buffer> {
  const isWeb = /^https?:/.test(from);
  try {
    if (!isWeb) return await readFile(localPath(from) ?? from);
    const response = await fetch(from, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
    return Buffer.from(await response.arrayBuffer());
  } catch (error) {
    const reason =
      error instanceof Error
        ? `${error.message}${error.cause instanceof Error ? ` (${error.cause.message})` : ""}`
        : String(error);
    const code = isWeb ? "upstream-unreachable" : "file-unreadable";
    throw new ConfigError([{ code, file: from, path: "", message: `cannot be read: ${reason}` }]);
  }
}
