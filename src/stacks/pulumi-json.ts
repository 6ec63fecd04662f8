import { execFileSync } from "node:child_process";
import path from "node:path";
import { projectRoot } from "../lib/workspace.ts";

/**
 * What a Pulumi command prints as JSON, run with the project's tools.
 * @throws Error whose message is one line: what the CLI failed with
 */
export function pulumiJson(...args: string[]): string {
  try {
    const output = execFileSync(process.execPath, [path.join(projectRoot, "scripts/pulumi.mjs"), ...args], {
      encoding: "utf8",
      maxBuffer: 1 << 30,
      cwd: projectRoot,
    });
    // The CLI may say something before it begins.
    return output.slice(output.indexOf("{"));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(message.split("\n")[0], { cause: error });
  }
}
