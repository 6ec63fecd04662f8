/** Everything the bootstrap installs or insists on, in one place. */
import { fileURLToPath } from "node:url";
import { join } from "node:path";

export const projectRoot = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** What the bootstrap makes; git ignores it and it can be deleted at any time. */
export const toolsFolder = join(projectRoot, ".tools");
export const toolsFile = join(toolsFolder, "tools.json");

export const pinned = {
  /** @pulumi/pulumi 3.245.0 still runs here; the newer SDKs want Node 22. */
  minimumNode: "20.19.0",
  /** Installed where there is no CLI that is new enough. */
  pulumi: "3.259.0",
  /** The oldest CLI that this project's resources were tried with. */
  minimumPulumi: "3.200.0",
  /** The plugin of the npm package @pulumi/command, which the engine wants in exactly this version. */
  commandProvider: "1.2.1",
  /** Older ones lack options the builder uses. */
  minimumQemu: "6.0.0",
  /** What the CLI's go.mod asks for; an older Go fetches this one itself unless it was told not to. */
  minimumGo: "1.25.11",
};

/** Where the CLI's releases are; the variable is for tests and for company mirrors. */
export const pulumiReleases = process.env["BOOTSTRAP_PULUMI_URL"] ?? "https://get.pulumi.com/releases/sdk";

/** Hosts that `pulumi plugin install` fetches from, in its order. */
export const pluginSources = ["https://api.github.com/", "https://get.pulumi.com/"];

/** Holds the compiled stand-ins; their bin folders go to the very end of PATH where they are needed. */
export const standInFolder = join(toolsFolder, "stand-ins");
