/** Guest scripts on a tree, with what layers asked for in vain: the message, as the host gets it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { shellAssignments } from "../../../../src/builder/job.ts";
import { projectRoot } from "../../../helpers/project-copy.ts";
import { temporaryFolder } from "../../../helpers/temporary.ts";

const guest = join(projectRoot, "src/builder/guest");

/** A guest's folders: the job's scripts in `job`, an image's tree in `tree`, the programs it may call in `bin`. */
class GuestFolders {
  readonly folder = temporaryFolder();
  readonly tree = join(this.folder, "tree");

  constructor(askedBy: string) {
    this.put("job/files/asked-by", askedBy);
    for (const level of ["boot", "default"])
      mkdirSync(join(this.tree, "etc/runlevels", level), { recursive: true });
  }

  put(path: string, content: string, mode = 0o644): void {
    const file = join(this.folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content, { mode });
  }

  service(name: string, ...levels: string[]): void {
    this.put(`tree/etc/init.d/${name}`, "#!/sbin/openrc-run\n", 0o755);
    for (const level of levels)
      symlinkSync(`/etc/init.d/${name}`, join(this.tree, "etc/runlevels", level, name));
  }

  /** Runs a guest script, or a part of one, but for where /job is; gives its exit status and what it reported. */
  run(script: string, variables: Record<string, string>): { status: number | null; reported: string } {
    const here = (text: string): string => text.replaceAll("/job/", `${this.folder}/job/`);
    for (const name of ["asked-by", "tree-functions"]) this.put(`job/${name}`, here(part(name)));
    const assignments = shellAssignments({ TARGET: this.tree, ...variables });
    this.put("run", `${assignments}set -eu\n${here(script)}`);
    const { status, output, stderr } = spawnSync("sh", [join(this.folder, "run")], {
      env: { ...process.env, PATH: `${this.folder}/bin:${process.env.PATH}` },
      stdio: ["ignore", "inherit", "pipe", "pipe"],
      encoding: "utf8",
    });
    assert.equal(stderr, "");
    return { status, reported: output[3] ?? "" };
  }
}

/** A guest script from one text of it to another. */
function part(name: string, from = "", upTo = ""): string {
  const script = readFileSync(join(guest, name), "utf8");
  const [start, end] = [script.indexOf(from), upTo === "" ? script.length : script.indexOf(upTo)];
  assert.ok(start >= 0 && end > start, `${name} has changed`);
  return script.slice(start, end);
}

describe("what layers ask a guest for in vain", () => {
  describe("services", () => {
    const enabling = part("scripts/setup", "# SERVICES_ENABLE and SERVICES_DISABLE");
    const setup = (services: string, askedBy = "") => {
      const folders = new GuestFolders(askedBy);
      folders.service("sshd");
      return folders.run(enabling, { SERVICES_ENABLE: services, SERVICES_DISABLE: "" });
    };

    it("that no package brings are named with the layer", () => {
      assert.deepEqual(setup("default=sshd,sshhd", "services.default.sshhd configs/version.yaml:50:5\n"), {
        status: 1,
        reported:
          "because none of the image's packages has service 'sshhd' of runlevel 'default': configs/version.yaml:50:5 asks for it\n",
      });
    });

    it("in a runlevel that there is not", () => {
      const { status, reported } = setup("defualt=sshd");
      assert.equal(status, 1);
      assert.equal(
        reported,
        "because there is no runlevel 'defualt' for service 'sshd': the configuration asks for it\n",
      );
    });

    it("are enabled where there is nothing wrong", () => {
      assert.deepEqual(setup("default=sshd boot=sshd"), { status: 0, reported: "" });
    });
  });

  describe("services that a script enables or disables on its own", () => {
    const check = (enable: string, disable: string, ...links: string[]) => {
      const folders = new GuestFolders(
        "services.default.tiny-cloud-main configs/overlays/mine/defaults.yaml:3:5\n",
      );
      folders.service("tiny-cloud-main", ...links);
      return folders.run(part("check-services"), { SERVICES_ENABLE: enable, SERVICES_DISABLE: disable });
    };

    it("against the configuration are an error that names the layer", () => {
      assert.deepEqual(check("", "default=tiny-cloud-main", "default"), {
        status: 1,
        reported:
          "because service 'tiny-cloud-main' is not to be in runlevel 'default', and a script has put it there: configs/overlays/mine/defaults.yaml:3:5 asks for it\n",
      });
      assert.match(
        check("default=tiny-cloud-main", "", "boot").reported,
        /a script has taken it out: configs/,
      );
    });

    it("as the configuration has it are fine", () => {
      const both = check("default=tiny-cloud-main", "boot=tiny-cloud-main", "default");
      assert.deepEqual(both, { status: 0, reported: "" });
    });
  });

  describe("kernel modules and features of the initramfs", () => {
    const check = (variables: Record<string, string>) => {
      const folders = new GuestFolders("kernelModules.nvmee configs/cloud/aws.yaml:7:3\n");
      mkdirSync(join(folders.tree, "lib/modules/6.18.56-0-virt"), { recursive: true });
      mkdirSync(join(folders.tree, "etc/mkinitfs/features.d"), { recursive: true });
      // modinfo of a kernel that has nvme as a module and ext4 built in
      folders.put(
        "bin/chroot",
        '#!/bin/sh\ncase $6 in\n  nvme) echo /lib/modules/6.18/kernel/nvme.ko.gz ;;\n  ext4) echo "(builtin)" ;;\n  *) exit 1 ;;\nesac\n',
        0o755,
      );
      // What it does first; the rest needs a kernel's tools.
      return folders.run(part("make-initramfs", "", '[ -z "$INITFS_FEATURES" ] ||'), variables);
    };

    it("that the kernel has not are named with the layer", () => {
      const module = check({ KERNEL_MODULES: "ext4,nvmee", INITFS_FEATURES: "" });
      assert.equal(
        module.reported,
        "because kernel 6.18.56-0-virt has no module 'nvmee': configs/cloud/aws.yaml:7:3 asks for it\n",
      );
      const feature = check({ KERNEL_MODULES: "ext4", INITFS_FEATURES: "nvme enaa" });
      assert.equal(
        feature.reported,
        "because 'enaa' is neither a feature of mkinitfs nor a module of kernel 6.18.56-0-virt: the configuration asks for it\n",
      );
      assert.deepEqual([module.status, feature.status], [1, 1]);
    });

    it("that it has, or has built in, are fine", () => {
      const both = check({ KERNEL_MODULES: "ext4,nvme", INITFS_FEATURES: "nvme ext4" });
      assert.deepEqual(both, { status: 0, reported: "" });
    });
  });
});
