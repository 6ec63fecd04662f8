/** Leftovers of a killed run in a file backend: locks and incomplete attributes. */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";

const lockSchema = z.object({
  pid: z.number(),
  hostname: z.string(),
  username: z.string(),
  timestamp: z.string(),
});

/** Who holds the lock of a stack. */
export type Lock = z.infer<typeof lockSchema> & { file: string };

export function isFileBackend(backend: string | undefined): backend is string {
  return backend?.startsWith("file://") === true;
}

/** The locks of a stack: .pulumi/locks/…/STACK/ID.json. Empty if the backend is not a folder. */
export function findLocks(backend: string | undefined, stack: string): Lock[] {
  return filesOf(backend, "locks")
    .filter((file) => file.endsWith(".json") && path.basename(path.dirname(file)) === stack)
    .map((file) => ({ ...lockSchema.parse(JSON.parse(readFileSync(file, "utf8"))), file }));
}

/**
 * Deletes attributes that were being written when a run was killed, and returns the files they belong to. The engine replaces a
 * state atomically, but not the `.attrs` beside it (gocloud.dev/blob/fileblob, `setAttrs`). With an empty one it cannot read the
 * state ("failed to load checkpoint: EOF"); without one it can.
 */
export function dropBrokenAttributes(backend: string | undefined): string[] {
  const broken = [...filesOf(backend, "stacks"), ...filesOf(backend, "locks")].filter(
    (file) => file.endsWith(".attrs") && !isJson(readFileSync(file, "utf8")),
  );
  for (const file of broken) rmSync(file);
  return broken.map((file) => file.replace(/\.attrs$/, ""));
}

function filesOf(backend: string | undefined, kind: "locks" | "stacks"): string[] {
  if (!isFileBackend(backend)) return [];
  const folder = path.join(fileURLToPath(backend), ".pulumi", kind);
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => path.join(folder, name));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
