/** A small project with a ledger, for the commands that change it. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { clouds } from "../../../clouds/registry.ts";
import { testIndex, testPackage, throwawayKey } from "../../helpers/repository.ts";
import { project } from "../configuration/project.ts";
import { loadDeclared } from "../../helpers/configuration.ts";

/** The day on which all of these tests play. */
export const today = "2026-11-23";
export const file = "configs/releases.yaml";
export const ledger = `# Ours.
versions:
  "3.18":
    endOfLife: 2025-05-09 # long ago
    entries: []

  # the current one
  "3.19":
    endOfLife: 2027-05-01
    entries:
      - release: 3.19.1
        date: 2026-05-01
        revision: 0
        stage: release
        added: 2026-06-01
        # all of them
        images:
          - arch: [x86_64, aarch64]
            firmware: [bios, uefi]
            bootstrap: [tiny, cloudinit]
            cloud: [aws, azure]
`;
/** What Alpine says of its releases. */
export const upstream = {
  release_branches: [
    { rel_branch: "edge" },
    {
      rel_branch: "v3.19",
      eol_date: "2027-05-01",
      releases: [
        { version: "3.19.2", date: "2026-11-01", notes: "posts/Alpine-3.19.2-released.md" },
        { version: "3.19.1", date: "2026-05-01" },
      ],
    },
    { rel_branch: "v3.18", eol_date: "2025-05-09", releases: [{ version: "3.18.9", date: "2024-09-06" }] },
  ],
};

/** A project with this ledger, and what its commands take. */
export function start(files: Record<string, string> = {}, text = ledger) {
  const root = project({
    "configs/version/edge.yaml": "",
    [file]: text,
    "releases.json": JSON.stringify(upstream),
    "configs/keys/mirror.rsa.pub": mirrorKey.publicPem,
    ...files,
  });
  const options = { root, clouds, today, from: join(root, "releases.json"), mirror: join(root, "mirror") };
  return {
    options,
    read: () => readFileSync(join(root, file), "utf8"),
    declared: () => loadDeclared({ root }),
  };
}

/** Signs what the mirror has; the project trusts it. */
export const mirrorKey = throwawayKey("mirror.rsa.pub");

/** A mirror that serves this release of a version, for architectures of images, in indexes that are signed. */
export async function serve(
  root: string,
  version: string,
  release: string,
  { architectures = ["x86_64", "aarch64"], key = mirrorKey } = {},
): Promise<void> {
  for (const architecture of architectures) {
    const of = (name: string, version: string) => testPackage({ name, version, architecture }, key);
    const packages = [
      await of("aaa", "9-r0"),
      await of("alpine-base", `${release}-r0`),
      await of("b", "1-r0"),
    ];
    const index = indexFile(root, version, architecture);
    mkdirSync(dirname(index), { recursive: true });
    writeFileSync(index, await testIndex(packages, key));
  }
}

/** Where that mirror keeps the index of an architecture. */
export const indexFile = (root: string, version: string, architecture: string): string =>
  join(root, `mirror/v${version}/main/${architecture}/APKINDEX.tar.gz`);
