/** Tells what files a root filesystem has, and what its configuration says. */
import { hash } from "node:crypto";
import type { Ext4 } from "./ext4/filesystem.ts";
import type { Inode } from "./ext4/inode.ts";
import type { DiskReport } from "./facts.ts";
import { initramfsEntries } from "./initramfs.ts";
import { linesOf } from "./text.ts";
import { Tree } from "./tree.ts";
import { within } from "./within.ts";

/** Bytes. Real files are far below these limits. */
const largest = { text: 2 ** 20, key: 2 ** 20, packages: 2 ** 26, initramfs: 2 ** 27 };

/** What is not there is not told; whether that is wrong, the disk check decides. */
const textFiles = [
  "etc/alpine-release",
  "etc/apk/repositories",
  "etc/apk/world",
  "etc/chrony/chrony.conf",
  "etc/cloud/cloud.cfg",
  "etc/conf.d/tiny-cloud",
  "etc/default/grub",
  "etc/fstab",
  "etc/group",
  "etc/hostname",
  "etc/inittab",
  "etc/mkinitfs/mkinitfs.conf",
  "etc/motd",
  "etc/network/interfaces",
  "etc/passwd",
  "etc/shadow",
  "etc/tiny-cloud.conf",
  "etc/update-extlinux.conf",
  "boot/extlinux.conf",
  "boot/grub/grub.cfg",
];
/** Folders of further text files. */
const textFolders: Record<string, RegExp> = {
  "etc/doas.d": /./,
  "etc/sudoers.d": /./,
  "etc/mkinitfs/features.d": /\.modules$/,
};
/** Files that the bootloader loads by their blocks. */
const loaded = /^boot\/(vmlinuz-[^/]*|initramfs-[^/]*|[^/]*\.c32|[^/]*\.sys|extlinux\.conf)$/;
const packageDatabase = /^(usr\/)?lib\/apk\/db\/installed$/;
const builtin = /^(usr\/)?lib\/modules\/[^/]+\/modules\.builtin$/;

type TreeFacts = Pick<
  DiskReport,
  | "paths"
  | "extents"
  | "links"
  | "texts"
  | "packages"
  | "owned"
  | "sums"
  | "builtinModules"
  | "initramfsModules"
>;

/** @throws FormatError if the filesystem or a file that is looked into is damaged */
export async function treeFacts(filesystem: Ext4): Promise<TreeFacts> {
  const tree = await Tree.of(filesystem);
  const all = [...tree.inodes];
  const filesLike = (pattern: RegExp): string[] =>
    all.filter(([path, { kind }]) => kind === "file" && pattern.test(path)).map(([path]) => path);
  return {
    paths: all.map(([path, { kind, mode, uid, gid, times, size }]) => [
      path,
      { kind, mode, uid, gid, times, size },
    ]),
    extents: filesLike(loaded).map((path) => [path, writtenBlocks(filesystem, tree.inodes.get(path)!)]),
    links: all
      .filter(([path, { kind }]) => kind === "link" && path.startsWith("etc/runlevels/"))
      .map(([path, inode]) => [path, filesystem.readLink(inode)]),
    texts: await texts(tree),
    sums: await sums(tree),
    ...packageFacts(await linesOfAll(tree, filesLike(packageDatabase), largest.packages)),
    builtinModules: (await linesOfAll(tree, filesLike(builtin), largest.text)).map((line) =>
      line.replace(/.*\//, "").replace(/\.ko.*/, ""),
    ),
    initramfsModules: await initramfsModules(tree),
  };
}

/** To a bootloader, allocated but unwritten blocks are a hole. */
function writtenBlocks(filesystem: Ext4, inode: Inode): [number, number][] {
  return [...filesystem.extents(inode)]
    .filter(({ written }) => written)
    .map(({ logical, length }) => [logical, logical + length - 1]);
}

async function texts(tree: Tree): Promise<TreeFacts["texts"]> {
  const found: TreeFacts["texts"] = [];
  const further = Object.entries(textFolders).flatMap(([folder, pattern]) =>
    tree.inFolder(folder).filter((path) => pattern.test(path)),
  );
  for (const path of [...textFiles, ...further]) {
    const content = await tree.read(path, largest.text);
    if (content !== undefined) found.push([path, linesOf(content)]);
  }
  return found;
}

async function linesOfAll(tree: Tree, paths: readonly string[], limit: number): Promise<string[]> {
  const lines: string[] = [];
  for (const path of paths) {
    for (const line of linesOf((await tree.read(path, limit))!)) lines.push(line);
  }
  return lines;
}

async function sums(tree: Tree): Promise<TreeFacts["sums"]> {
  const found: TreeFacts["sums"] = [];
  for (const path of [...tree.inFolder("etc/apk/keys"), "usr/share/syslinux/mbr.bin"]) {
    const content = await tree.read(path, largest.key);
    if (content !== undefined) found.push([path, hash("sha256", content)]);
  }
  return found;
}

/**
 * Of what packages own, only what a system must have from packages: the keys it trusts, and programs with another's
 * rights.
 */
function packageFacts(database: readonly string[]): Pick<TreeFacts, "packages" | "owned"> {
  const packages: TreeFacts["packages"] = [];
  const owned: string[] = [];
  let [name, folder, file] = ["", "", ""];
  for (const line of database) {
    const value = line.slice(2);
    if (line.startsWith("P:")) name = value;
    else if (line.startsWith("V:")) packages.push([name, value]);
    else if (line.startsWith("F:")) folder = value;
    else if (line.startsWith("R:")) {
      file = `${folder}/${value}`;
      if (folder === "etc/apk/keys") owned.push(file);
    } else if (/^a:\d+:\d+:[2-7][0-7]{3}$/.test(line)) owned.push(file);
  }
  return { packages, owned };
}

async function initramfsModules(tree: Tree): Promise<string[]> {
  const modules: string[] = [];
  for (const path of tree.inFolder("boot").filter((name) => name.startsWith("boot/initramfs-"))) {
    const packed = await tree.read(path, largest.initramfs);
    if (packed === undefined) continue;
    await within(`/${path}`, () => {
      for (const entry of initramfsEntries(packed)) {
        if (entry.path.includes(".ko")) modules.push(entry.path);
      }
    });
  }
  return modules;
}
