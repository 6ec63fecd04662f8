/** What `pulumi about` shows about the runtime and the program's dependencies. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";
import language from "@pulumi/pulumi/proto/language_pb.js";

const execute = promisify(execFile);

export async function about(programDirectory: string): Promise<language.AboutResponse> {
  const response = new language.AboutResponse().setExecutable(process.execPath).setVersion(process.version);
  const metadata = response.getMetadataMap();
  metadata.set("packagemanager", "npm");
  metadata.set("packagemanagerVersion", await npmVersion());
  const typescript = typescriptVersion(programDirectory);
  if (typescript) metadata.set("typescriptVersion", typescript);
  return response;
}

async function npmVersion(): Promise<string> {
  try {
    return (await execute("npm", ["--version"])).stdout.trim();
  } catch {
    return "";
  }
}

function typescriptVersion(programDirectory: string): string | undefined {
  try {
    const require = createRequire(join(programDirectory, "package.json"));
    return (require("typescript/package.json") as { version: string }).version;
  } catch {
    return undefined;
  }
}

interface Lockfile {
  packages?: Record<string, { version?: string; dependencies?: Record<string, string>; dev?: boolean }>;
}

/** The packages in package-lock.json: the project's direct dependencies, or all of them. */
export function programDependencies(
  programDirectory: string,
  transitive: boolean,
): language.GetProgramDependenciesResponse {
  const path = join(programDirectory, "package-lock.json");
  const packages = (JSON.parse(readFileSync(path, "utf8")) as Lockfile).packages ?? {};
  const prefix = "node_modules/";
  const direct = new Set(Object.keys(packages[""]?.dependencies ?? {}));
  const listed = Object.entries(packages)
    .filter(([key]) => key.startsWith(prefix) && (transitive || direct.has(key.slice(prefix.length))))
    .map(([key, entry]) =>
      new language.DependencyInfo()
        .setName(key.slice(key.lastIndexOf(prefix) + prefix.length))
        .setVersion(entry.version ?? ""),
    );
  return new language.GetProgramDependenciesResponse().setDependenciesList(listed);
}
