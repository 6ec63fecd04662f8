/** A small project with a ledger, for the commands that change it. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { loadDeclared } from "../../../src/configuration/index.ts";
import { project } from "../configuration/project.ts";

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
    ...files,
  });
  const options = { root, today, from: join(root, "releases.json"), mirror: join(root, "mirror") };
  return {
    options,
    read: () => readFileSync(join(root, file), "utf8"),
    declared: () => loadDeclared({ root }),
  };
}

/** A mirror that serves this release of a version. */
export function serve(root: string, version: string, release: string): void {
  const dir = join(root, `mirror/v${version}/main/x86_64`);
  mkdirSync(dir, { recursive: true });
  const index = `C:Q1x=\nP:aaa\nV:9-r0\n\nC:Q1y=\nP:alpine-base\nV:${release}-r0\nA:x86_64\n\nP:b\nV:1-r0\n\n`;
  const half = index.length >> 1;
  // as signed indexes are: gzip members one after the other
  writeFileSync(
    join(dir, "APKINDEX.tar.gz"),
    Buffer.concat([gzipSync(index.slice(0, half)), gzipSync(index.slice(half))]),
  );
}
