/** The boot test: boots a finished image the way its cloud would and checks it over SSH. */
import { randomBytes } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import ssh2 from "ssh2";
import { keyOf, type Variant } from "../configuration/variant.ts";
import type { BuiltImage } from "../builder/build-disk.ts";
import type { Progress } from "../builder/progress.ts";
import { consoleHint } from "../builder/qemu.ts";
import type { Check } from "../lib/checks.ts";
import { UserError } from "../lib/user-error.ts";
import { scratchFolder } from "../lib/workspace.ts";
import { type BootCloud, bootCloudOf, tinyCloudOf } from "./boot-cloud.ts";
import { bootGuest } from "./boot-guest.ts";
import { forbiddenTargets, startHostProbe } from "./host-probe.ts";
import {
  checkFacts,
  expectedServices,
  type Expectations,
  ownPort,
  parseFacts,
  standInsOf,
} from "./check-facts.ts";
import type { Instance } from "./metadata/service.ts";
import { openSpeaking, runOverSsh, SshError } from "./ssh.ts";
import { watchGuest } from "./watch-guest.ts";

/** The result of a boot test; part of an image's outputs. */
export interface BootTestResult {
  /** Seconds until all checks had passed. */
  seconds: number;
  checks: Check[];
  /** Packages that stand in for real ones, which the test therefore does not cover. */
  standIns: string[];
}

/** By how many MiB the disk is larger than the image, to check that the root filesystem grows. */
const growthMib = 512;

/** Deadline of the whole test. An emulated machine takes a minute; aarch64 with cloud-init on a busy host takes eight. */
const defaultDeadlineSeconds = 900;

/** The file that the user data writes, outside the disk. */
const userDataFile = "/run/boot-test";

/**
 * The panic of an emulated machine's kernel, in its first seconds, if the host is too busy for the emulated timer to
 * tick in time. The image is not at fault, so the test tries again.
 */
const missedTimer = /kernel panic: IO-APIC \+ timer doesn't work/;
const tries = 4;

/**
 * Boots a finished image the way its cloud would. Checks over SSH that it is what its variant declares, and that host
 * name, key and user data reached it through the cloud's own mechanism.
 * @param clouds all known clouds, to check that an image asks only its own and cannot reach the services of others
 * @throws UserError with the last 40 lines of the console if a check fails
 */
export async function bootTest(
  variant: Variant,
  image: Pick<BuiltImage, "file" | "kernel" | "accelerator">,
  clouds: readonly BootCloud[],
  progress: Progress,
  deadlineSeconds = defaultDeadlineSeconds,
): Promise<BootTestResult> {
  progress.phase("boot test", 95);
  const start = performance.now();
  const deadline = start + deadlineSeconds * 1000;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { checks, standIns } = await bootOnce(variant, image, clouds, deadline);
      return { seconds: Math.round((performance.now() - start) / 100) / 10, checks, standIns };
    } catch (error) {
      if (!(error instanceof UserError) || !missedTimer.test(error.what) || attempt === tries) throw error;
      progress.note("the emulated machine missed its timer because this host is busy; trying again");
    }
  }
}

async function bootOnce(
  variant: Variant,
  image: Pick<BuiltImage, "file" | "kernel" | "accelerator">,
  clouds: readonly BootCloud[],
  deadline: number,
): Promise<Omit<BootTestResult, "seconds">> {
  const cloud = bootCloudOf(clouds, variant.cloud);
  const scratch = scratchFolder("boot");
  const consoleLog = path.join(path.dirname(image.file), `${variant.name}.boot.log`);
  rmSync(consoleLog, { force: true });
  const key = ssh2.utils.generateKeyPairSync("ed25519");
  const nonce = randomBytes(16).toString("hex");
  const instance = testInstance(variant, key.public, nonce);
  const probe = await startHostProbe();
  try {
    const addresses = (one: BootCloud): string[] => Object.keys(one.metadata?.(instance).services ?? {});
    const allServices = [...new Set(clouds.flatMap(addresses))];
    const forbidden = forbiddenTargets(probe.port, addresses(cloud), allServices);
    const { accelerator, file } = image;
    const booted = await bootGuest({
      variant,
      cloud,
      file,
      accelerator,
      instance,
      growthMib,
      consoleLog,
      scratch,
    });
    const watch = watchGuest(booted.guest, consoleLog, deadline);
    const over = new AbortController();
    try {
      const facts = await Promise.race([
        watch.fault,
        askGuest(
          variant,
          { port: booted.sshPort, privateKey: key.private },
          `USER_DATA_FILE=${userDataFile} REACH='${[ownPort, ...forbidden].join(" ")}'`,
          deadline,
          over.signal,
        ),
      ]);
      const expected: Expectations = {
        cloud,
        tinyClouds: clouds.map(tinyCloudOf),
        hostname: instance.hostname,
        kernel: image.kernel,
        diskMib: booted.diskMib,
        nonce,
        requests: booted.requests,
        forbidden,
        hostConnections: probe.connections(),
        console: readFileSync(consoleLog, "utf8"),
      };
      return { checks: allPassed(variant, expected, facts, consoleLog), standIns: standInsOf(facts) };
    } catch (error) {
      if (!(error instanceof SshError)) throw error;
      throw bootError(variant, `failed over SSH (${error.message})`, consoleLog);
    } finally {
      over.abort();
      watch.end();
      await booted.end();
    }
  } finally {
    probe.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** What the guest's cloud tells it. The user data writes the nonce to a file. */
function testInstance(variant: Variant, sshPublicKey: string, nonce: string): Instance {
  return {
    id: keyOf(variant),
    hostname: `test-${variant.revision}-${variant.firmware}`,
    login: variant.login,
    sshPublicKey,
    userData: `#!/bin/sh\necho ${nonce} >${userDataFile}\n`,
  };
}

/** Runs the checks. Throws a UserError that lists those that failed. */
function allPassed(
  variant: Variant,
  expected: Expectations,
  facts: ReadonlyMap<string, string>,
  consoleLog: string,
): Check[] {
  const checks = checkFacts(variant, expected, facts);
  const failed = checks.filter((check) => !check.passed);
  if (failed.length === 0) return checks;
  const list = failed.map((check) => `${check.name}: ${check.found}`).join("; ");
  throw bootError(variant, `failed ${failed.length} of ${checks.length} checks: ${list}`, consoleLog);
}

function bootError(variant: Variant, what: string, consoleLog: string): UserError {
  return new UserError("boot-failed", `boot test of ${variant.name} ${what}`, consoleHint(consoleLog), {
    where: variant.name,
  });
}

/** Tries until the guest answers, then runs boot-check in it. */
async function askGuest(
  variant: Variant,
  guest: { port: number; privateKey: string },
  environment: string,
  deadline: number,
  over: AbortSignal,
): Promise<Map<string, string>> {
  const script = readFileSync(path.join(import.meta.dirname, "boot-check"));
  const command = `${environment} sh -s -- ${expectedServices(variant).join(" ")}`;
  let last = "not tried yet";
  while (performance.now() < deadline && !over.aborted) {
    try {
      const { stdout, stderr, exitCode } = await runOverSsh(
        {
          sock: await openSpeaking(guest.port, 3_000),
          username: variant.login,
          privateKey: guest.privateKey,
          readyTimeout: Math.min(20_000, Math.max(1_000, deadline - performance.now())),
          // A throwaway guest on loopback has no known host key.
          hostVerifier: () => true,
        },
        command,
        script,
      );
      if (exitCode === 0) return parseFacts(stdout);
      last = `boot-check ended with exit code ${exitCode}: ${stderr.trim()}`;
    } catch (error) {
      if (!(error instanceof SshError)) throw error;
      last = error.message;
    }
    await sleep(300);
  }
  throw new SshError(`deadline exceeded; last attempt: ${last}`);
}
