/** What a killed run leaves in a backend that is a folder: locks, and records that were cut short. */
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

/** Who holds a stack. */
export type Lock = z.infer<typeof lockSchema> & { file: string };

export function isFileBackend(backend: string | undefined): backend is string {
  return backend?.startsWith("file://") === true;
}

/** Locks of a stack: .pulumi/locks/…/STACK/ID.json. None where the backend is no folder. */
export function findLocks(backend: string | undefined, stack: string): Lock[] {
  return filesOf(backend, "locks")
    .filter((file) => file.endsWith(".json") && path.basename(path.dirname(file)) === stack)
    .map((file) => ({ ...lockSchema.parse(JSON.parse(readFileSync(file, "utf8"))), file }));
}

/**
 * Deletes attributes that were being written when a run was killed, and says of which files they are. The engine replaces a
 * state at once, but not the `.attrs` beside it (gocloud.dev/blob/fileblob, `setAttrs`): with an empty one it can't read the
 * state ("failed to load checkpoint: EOF"), with none it can.
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
