/** `file://` URLs in settings. */
import path from "node:path";
import { projectRoot } from "./workspace.ts";

/**
 * The folder or file that a `file://` URL names. `file:///srv/images` is absolute; `file://work/storage` is relative to the
 * project, so that a stack's settings work in every checkout.
 * @returns undefined for any other kind of URL
 */
export function localPath(url: string): string | undefined {
  if (!url.startsWith("file://")) return undefined;
  return path.resolve(projectRoot, decodeURIComponent(url.slice("file://".length)));
}
