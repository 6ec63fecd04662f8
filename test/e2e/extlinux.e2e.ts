/** What the builder writes of SYSLINUX, against the real extlinux in a guest, which has mounted filesystems. */
import assert from "node:assert/strict";
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, join } from "node:path";
import { readTar, verifyPackage } from "../../src/builder/apk-archive.ts";
import { moduleEntries } from "../../src/builder/appliance.ts";
import type { Extent } from "../../src/builder/disk-reader/ext4/extents.ts";
import { Ext4 } from "../../src/builder/disk-reader/ext4/filesystem.ts";
import { Volume } from "../../src/builder/disk-reader/volume.ts";
import { installExtlinux, loaderFiles } from "../../src/builder/extlinux.ts";
import { runJob } from "../../src/builder/guest.ts";
import { jobArchive } from "../../src/builder/job.ts";
import {
  fetchPackage,
  type MirrorSettings,
  openRepository,
  type Repository,
} from "../../src/builder/mirror.ts";
import { openBuildPlace } from "../../src/builder/place.ts";
import { startProgress } from "../../src/builder/progress.ts";
import { projectRoot } from "../helpers/project-copy.ts";
import { temporaryFolder } from "../helpers/temporary.ts";
import { skipWithoutMirror } from "./declared-image.ts";

/** Installs SYSLINUX on /dev/vda1, and on /dev/vdb1, whose free space is in pieces. A disk's geometry is the builder's. */
const script = `set -eu
while read -r module; do insmod "/job/$module"; done </job/order
tree=/tree
mkdir -p $tree
apk add --root $tree --arch x86_64 --initdb --no-cache --no-scripts --keys-dir /job/keys \
  --repositories-file /job/repositories syslinux
mkdir -p $tree/dev $tree/proc $tree/mnt
mount --bind /dev $tree/dev
mount -t proc proc $tree/proc
for disk in /dev/vda /dev/vdb; do
  echo 'start=1MiB, type=83, bootable' | sfdisk --quiet --label dos $disk
  mke2fs -q -t ext4 -b 4096 -N 800 -O '^64bit,^metadata_csum_seed,^orphan_file' \${disk}1
  mount -t ext4 \${disk}1 $tree/mnt
  mkdir $tree/mnt/boot
  if [ $disk = /dev/vdb ]; then
    # Else a free piece would be left.
    echo 0 >/sys/fs/ext4/vdb1/reserved_clusters
    head -c 4096 /dev/urandom >/block
    number=0
    while cp /block $tree/mnt/boot/$number 2>/dev/null; do number=$((number + 1)); done
    sync
    rm $tree/mnt/boot/*[02468]
    sync
  fi
  chroot $tree extlinux --heads 64 --sectors 32 --install /mnt/boot
  umount $tree/mnt
done
echo 'result {}' >&3
`;

describe("SYSLINUX on a disk", function () {
  this.timeout(240_000);
  this.slow(60_000);
  before(function () {
    skipWithoutMirror(this);
  });

  it("is what extlinux makes of it, byte for byte, in one piece and in many", async () => {
    const folder = join(projectRoot, ".tools/offline/mirror");
    const keyFiles = readdirSync(join(folder, "keys")).map((name) => join(folder, "keys", name));
    const mirror = { name: "offline", url: `file://${folder}`, keyFiles };
    const main = "https://dl-cdn.alpinelinux.org/alpine/v3.23/main";
    const repositories = [await openRepository(mirror, main, "x86_64")];
    const progress = startProgress("extlinux", () => {});
    const scratch = temporaryFolder();
    const disks = { "/dev/vda": join(scratch, "whole"), "/dev/vdb": join(scratch, "pieces") };
    for (const disk of Object.values(disks)) {
      writeFileSync(disk, "");
      truncateSync(disk, 4 * 2 ** 20);
    }
    await runJob({
      what: "extlinux",
      // Only a VM can mount.
      place: (await openBuildPlace("x86_64", { mirror, isolation: "vm", accelerator: "auto" }, progress))
        .place,
      repositories,
      mirror,
      disk: disks["/dev/vda"],
      sharedDisk: { file: disks["/dev/vdb"], readOnly: false },
      scratch,
      consoleLog: join(scratch, "console.log"),
      job: jobArchive({
        arch: "x86_64",
        main: "install-extlinux",
        sourceDateEpoch: 1_700_000_000,
        keyFiles,
        variables: {},
        files: { "install-extlinux": script, ...(await ext4Modules(mirror, repositories)) },
      }),
    });

    const [[, ldlinux], [, bootSector]] = Object.entries(await loaderFiles(mirror, repositories)) as [
      [string, Buffer],
      [string, Buffer],
    ];
    const pieces: number[] = [];
    for (const disk of Object.values(disks)) {
      const installed = readFileSync(disk);
      // The disk as a build's guest leaves it: the same, but with the loader as it comes.
      const descriptor = openSync(disk, "r+");
      writeSync(descriptor, bootSector, 0, bootSector.length, 2 ** 20);
      const extents = loaderExtents(descriptor, installed.length - 2 ** 20);
      for (const { logical, physical, length } of extents) {
        const part = ldlinux.subarray(logical * 4096, (logical + length) * 4096);
        writeSync(descriptor, part, 0, part.length, 2 ** 20 + physical * 4096);
      }
      closeSync(descriptor);
      pieces.push(extents.length);

      assert.ok(!readFileSync(disk).equals(installed));
      installExtlinux(disk, "an image");
      assert.deepEqual(differences(readFileSync(disk), installed), [], `${disk}: bytes that differ`);
    }
    const [whole, inPieces] = pieces;
    assert.equal(whole, 1);
    assert.ok(inPieces! > 5, `${inPieces} pieces`);
  });
});

/** The modules that a guest needs to mount ext4, and `order`: a build's own guest mounts none. */
async function ext4Modules(
  mirror: MirrorSettings,
  repositories: readonly Repository[],
): Promise<Record<string, Uint8Array>> {
  const [repository] = repositories;
  const entry = repository!.entries.find(({ name }) => name === "linux-virt")!;
  const data = await verifyPackage(await fetchPackage(mirror, repository!, entry), entry.checksum);
  const files = moduleEntries(await readTar(data), ["ext4"]).filter(({ kind }) => kind === "file");
  return Object.fromEntries(files.map(({ path, content }) => [basename(path), content!]));
}

/** Where ldlinux.sys is in the first partition. */
function loaderExtents(descriptor: number, length: number): Extent[] {
  const filesystem = new Ext4(new Volume(descriptor, 2 ** 20, length));
  const file = [...filesystem.walk()].find(({ path }) => path === "boot/ldlinux.sys")!;
  return [...filesystem.extents(file.inode)];
}

/** The first places where two disks differ. */
function differences(one: Buffer, other: Buffer): number[] {
  const places: number[] = [];
  for (let at = 0; at < one.length && places.length < 20; at++) if (one[at] !== other[at]) places.push(at);
  return places;
}
