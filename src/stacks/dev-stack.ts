/**
 * Writes the settings and the ledger of stack `dev`. They are not in git, because they belong to one checkout. The mirror is chosen
 * once, so that losing the network later does not change what the stack declares.
 */
import { readdirSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { stringify } from "yaml";
import { request } from "undici";
import { kitFolder } from "../builder/mirror.ts";
import { officialMirrorUrl } from "../lib/official-mirror.ts";
import { servedRelease } from "../builder/served-release.ts";
import { buildSettings } from "../builder/build-settings.ts";
import { readSettings } from "../configuration/settings.ts";
import { projectRoot } from "../lib/workspace.ts";

const version = "3.23";
const stackHeader = `# Stack dev of this checkout, made by \`npm start\`; git ignores it. Delete it (after \`npm run pulumi -- destroy\`)
# to choose the mirror again.
`;
const ledgerHeader = `# What stack dev declares: add images of other firmware, bootstrap or cloud, or other releases. Git ignores it.
`;

/** Whether the official mirror is reachable. */
export async function officialMirrorAnswers(): Promise<boolean> {
  try {
    const url = `${officialMirrorUrl}/v${version}/main/${hostArch()}/APKINDEX.tar.gz`;
    const answer = await request(url, { method: "HEAD", signal: AbortSignal.timeout(5_000) });
    await answer.body.dump();
    return answer.statusCode === 200;
  } catch {
    return false;
  }
}

/**
 * Writes the stack's files, with the release that the mirror serves now.
 * @throws UserError if the mirror is incomplete
 */
export async function writeDevStack(name: "official" | "offline"): Promise<void> {
  const mirror =
    name === "offline"
      ? {
          name,
          url: `file://${kitFolder}`,
          keys: readdirSync(path.join(projectRoot, kitFolder, "keys")).map(
            (name) => `${kitFolder}/keys/${name}`,
          ),
          // The kit's programs come from Debian, and bring their own C library.
          diskExtraMib: 96,
        }
      : { name };
  const config = {
    "alpine:ledger": "releases.dev.yaml",
    "alpine:stage": "upload",
    "alpine:rebuild": "changed",
    "alpine:storageUrl": "file://work/storage/{v_version}/{cloud}/{arch}",
    "alpine:mirror": mirror,
  };
  const settings = buildSettings(readSettings(config, []));
  const { release, date } = await servedRelease(settings.mirror, version, hostArch());
  const ledger = {
    versions: {
      [version]: {
        endOfLife: "2027-11-01",
        entries: [
          {
            release,
            date,
            revision: 0,
            stage: "upload",
            added: date,
            images: [
              {
                arch: hostArch(),
                firmware: hostArch() === "aarch64" ? "uefi" : "bios",
                bootstrap: "tiny",
                cloud: "nocloud",
              },
            ],
          },
        ],
      },
    },
  };
  const options = { lineWidth: 0 };
  writeFileSync(path.join(projectRoot, "releases.dev.yaml"), ledgerHeader + stringify(ledger, options));
  // Written last: if `npm start` is interrupted before this, the next one starts over.
  writeFileSync(path.join(projectRoot, "Pulumi.dev.yaml"), stackHeader + stringify({ config }, options));
  process.stderr.write(
    `made stack dev: Alpine ${release} for ${hostArch()} from the ${mirror.name} mirror\n`,
  );
}

function hostArch(): "x86_64" | "aarch64" {
  return os.arch() === "arm64" ? "aarch64" : "x86_64";
}
