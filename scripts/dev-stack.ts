/**
 * Makes stack `dev`'s settings and ledger: `dev-stack.ts write official|offline`. They are not in git, for they belong to one checkout:
 * which mirror it builds from is chosen here, once, so that losing the network later does not change what the stack
 * declares. `choose-mirror` only says which it would be: exit status 0 for official, 3 for the offline kit.
 */
import { readdirSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { stringify } from "yaml";
import { request } from "undici";
import { openRepository, officialMirrorUrl } from "../src/builder/mirror.ts";
import { buildSettings } from "../src/builder/build-settings.ts";
import { readSettings } from "../src/configuration/settings.ts";
import { runCommand } from "../src/lib/command.ts";
import { UserError } from "../src/lib/user-error.ts";
import { projectRoot } from "../src/lib/workspace.ts";

const version = "3.23";
const kitFolder = ".tools/offline/mirror";

const stackHeader = `# Stack dev of this checkout, made by \`npm start\`; git ignores it. Delete it (after \`npm run pulumi -- destroy\`)
# to choose the mirror anew.
`;
const ledgerHeader = `# What stack dev declares: add images of other firmware, bootstrap or cloud, or other releases. Git ignores it.
`;

await runCommand(undefined, async () => {
  const [operation, mirrorName] = process.argv.slice(2);
  if (operation === "choose-mirror") {
    const reached = await officialMirrorAnswers();
    if (!reached)
      process.stderr.write(`${officialMirrorUrl} cannot be reached: stack dev builds from the offline kit\n`);
    process.exitCode = reached ? 0 : 3;
  } else if (operation === "write" && (mirrorName === "official" || mirrorName === "offline")) {
    await writeDevStack(mirrorName);
  } else {
    throw new UserError(
      "usage",
      `'${operation ?? ""}' is not something this program does`,
      "choose-mirror, write official or write offline",
    );
  }
});

async function officialMirrorAnswers(): Promise<boolean> {
  try {
    const url = `${officialMirrorUrl}/v${version}/main/${hostArch()}/APKINDEX.tar.gz`;
    const answer = await request(url, { method: "HEAD", signal: AbortSignal.timeout(5_000) });
    await answer.body.dump();
    return answer.statusCode === 200;
  } catch {
    return false;
  }
}

async function writeDevStack(name: "official" | "offline"): Promise<void> {
  const mirror =
    name === "offline"
      ? {
          name,
          url: `file://${kitFolder}`,
          keys: readdirSync(path.join(projectRoot, kitFolder, "keys")).map(
            (name) => `${kitFolder}/keys/${name}`,
          ),
          // Debian's programs bring their own C library along.
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
  const settings = buildSettings(readSettings(config));
  const { release, date } = await servedRelease(settings.mirror);
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
  // Last: a start that was interrupted before this begins anew.
  writeFileSync(path.join(projectRoot, "Pulumi.dev.yaml"), stackHeader + stringify({ config }, options));
  process.stderr.write(
    `made stack dev: Alpine ${release} for ${hostArch()} from the ${mirror.name} mirror\n`,
  );
}

/** The release that the mirror has now, and the day its alpine-base package was built. */
async function servedRelease(
  mirror: Parameters<typeof openRepository>[0],
): Promise<{ release: string; date: string }> {
  const repository = await openRepository(mirror, `${officialMirrorUrl}/v${version}/main`, hostArch());
  const base = repository.entries.find((entry) => entry.name === "alpine-base");
  if (base === undefined)
    throw new UserError(
      "mirror-incomplete",
      `mirror ${mirror.url} has no alpine-base`,
      "use a complete mirror",
      { where: mirror.url },
    );
  return {
    release: base.version.replace(/-r\d+$/, ""),
    date: new Date(base.buildTime * 1000).toISOString().slice(0, 10),
  };
}

function hostArch(): "x86_64" | "aarch64" {
  return os.arch() === "arm64" ? "aarch64" : "x86_64";
}
