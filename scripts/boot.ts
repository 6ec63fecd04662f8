/** `npm run boot -- KEY`: boots a built image for interactive use, the way its cloud would. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import path from "node:path";
import { Command } from "commander";
import { clouds } from "../clouds/registry.ts";
import { bootCloudOf } from "../src/boot-test/boot-cloud.ts";
import ssh2 from "ssh2";
import { keyOf, type Variant } from "../src/configuration/variant.ts";
import { type BootedGuest, bootGuest } from "../src/boot-test/boot-guest.ts";
import { knownAccelerator } from "../src/builder/accelerator.ts";
import { openBuildPlace } from "../src/builder/place.ts";
import { type BuildSettings, buildSettings } from "../src/builder/build-settings.ts";
import { imageFileName } from "../src/builder/formats/image-file.ts";
import { startProgress } from "../src/builder/progress.ts";
import type { Accelerator } from "../src/builder/qemu.ts";
import { findVariant, settingsOf } from "../src/configuration/find-variant.ts";
import { defined } from "../src/lib/defined.ts";
import { runCommand } from "../src/lib/command.ts";
import { UserError } from "../src/lib/user-error.ts";
import { scratchFolder } from "../src/lib/workspace.ts";
import { imageFolder } from "../src/steps/image-folder.ts";

interface Options {
  image?: string;
  out?: string;
  port?: string;
  sshKey?: string;
  stack?: string;
}

const program = new Command("npm run boot --")
  .description(
    [
      "Boots a built image in QEMU, on a machine and with a metadata service like its cloud's.",
      "Its console is this terminal; press Ctrl-A X to quit. Nothing is written to the image.",
    ].join("\n"),
  )
  .argument("<key>", "image key, as listed by `npm run images`: 3.23.6-x86_64-bios-tiny-nocloud")
  .option(
    "--out <folder>",
    "boot the image that `npm run build -- KEY --out FOLDER` made (default: the stack's own)",
  )
  .option("--image <file>", "boot this file")
  .option("--port <number>", "port on this host's loopback for SSH (default: a free port)")
  .option("--ssh-key <file>", "public key to log in with (default: a temporary key)")
  .option("--stack <name>", "use this stack's ledger and mirror (default: dev, if it exists)")
  .action(main);

/** By how many MiB the disk is larger than the image, to have space for experiments. */
const growthMib = 2048;

async function main(key: string, options: Options): Promise<void> {
  const settings = settingsOf(options.stack, clouds);
  const variant = findVariant(key, settings, clouds);
  const file = imageFile(variant, options);
  const sshPort = options.port === undefined ? undefined : portNumber(options.port);
  const accelerator = await bootAccelerator(variant, buildSettings(settings));
  const scratch = scratchFolder("run");
  let guest: BootedGuest | undefined;
  let server: Server | undefined;
  try {
    const key = sshKey(options.sshKey, scratch);
    const consoleSocket = path.join(scratch, "console");
    server = await terminalOn(consoleSocket);
    guest = await bootGuest({
      variant,
      cloud: bootCloudOf(clouds, variant.cloud),
      file,
      accelerator,
      growthMib,
      scratch,
      consoleSocket,
      ...defined({ sshPort }),
      consoleLog: path.join(scratch, "console.log"),
      instance: {
        id: keyOf(variant),
        hostname: "alpine",
        login: variant.login,
        sshPublicKey: key.publicKey,
      },
    });
    const login = `${variant.login}@127.0.0.1`;
    // The guest has a new host key each time, so SSH must neither ask for it nor save it.
    const trust = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null";
    process.stdout.write(
      `${file} (${accelerator})\nssh -p ${guest.sshPort} -i ${key.file} ${trust} ${login}\n` +
        "Press Ctrl-A X to quit.\n",
    );
    await Promise.race([guest.guest.ended, endSignal()]);
  } finally {
    if (process.stdin.isTTY) process.stdin.setRawMode(false).unref();
    await guest?.end();
    server?.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Nothing is built here. A mirror is needed only if this host's accelerator has not been probed yet. */
async function bootAccelerator({ name, arch }: Variant, build: BuildSettings): Promise<Accelerator> {
  if (build.accelerator !== "auto") return build.accelerator;
  return (
    (await knownAccelerator(arch)) ?? (await openBuildPlace(arch, build, startProgress(name))).accelerator
  );
}

/** The image to boot. If it does not exist, throws a UserError that says how to build it. */
function imageFile(variant: Variant, { image, out }: Options): string {
  if (image !== undefined) {
    if (existsSync(image)) return path.resolve(image);
    throw new UserError("image-not-built", `image ${image} not found`, "use the file of a built image", {
      where: image,
    });
  }
  const folder = path.resolve(out ?? imageFolder(variant));
  const file = path.join(folder, imageFileName(variant));
  if (existsSync(file)) return file;
  const target = out ?? "/tmp/images";
  const boot = `npm run boot -- ${variant.imageKey} --out ${target}`;
  throw new UserError(
    "image-not-built",
    `${variant.name} is not built: ${folder} has no such image`,
    `run npm run build -- ${variant.imageKey} --out ${target}, then ${boot}`,
    { where: file },
  );
}

function portNumber(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new UserError(
    "usage",
    `--port ${text} is not a valid port`,
    "use a number from 1 to 65535, or omit --port",
    { where: "--port" },
  );
}

/** The key to log in with: the caller's, or a new one in the scratch folder. */
function sshKey(given: string | undefined, scratch: string): { publicKey: string; file: string } {
  if (given === undefined) {
    const key = ssh2.utils.generateKeyPairSync("ed25519");
    const file = path.join(scratch, "id_ed25519");
    writeFileSync(file, key.private, { mode: 0o600 });
    return { publicKey: key.public, file };
  }
  const publicFile = given.endsWith(".pub") ? given : `${given}.pub`;
  const text = existsSync(publicFile) ? readFileSync(publicFile, "utf8").trim() : undefined;
  if (text !== undefined && /^(ssh|ecdsa|sk-)[\w@.-]+ [A-Za-z0-9+/=]+( [^\n]*)?$/.test(text)) {
    return { publicKey: text, file: publicFile.slice(0, -".pub".length) };
  }
  throw new UserError(
    text === undefined ? "file-missing" : "ssh-key-invalid",
    text === undefined ? `public key ${publicFile} not found` : `${publicFile} is not an OpenSSH public key`,
    "use the .pub file that ssh-keygen made",
    { where: publicFile },
  );
}

/** Connects QEMU's console to this process's terminal. Without a terminal, it only shows the output. */
async function terminalOn(socketPath: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.pipe(process.stdout, { end: false });
    if (!process.stdin.isTTY) return;
    process.stdin.setRawMode(true);
    process.stdin.pipe(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(socketPath, resolve);
  });
  return server;
}

/** Resolves when this process is asked to end. */
function endSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.once(signal, () => resolve());
  });
}

await runCommand(program);
