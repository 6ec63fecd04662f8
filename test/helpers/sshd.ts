/** A real SSH server on loopback, run by the tests' user. To a client it looks like another machine. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import ssh2 from "ssh2";
import type { Builder } from "../../src/configuration/settings.ts";
import { freePort } from "../../src/lib/loopback.ts";
import { waitUntil } from "./processes.ts";
import { temporaryFolder } from "./temporary.ts";

const program = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/opt/homebrew/sbin/sshd"].find(existsSync);

export interface SshServer {
  /** The server as a builder with a temporary working folder. */
  builder: Builder;
  /** Process ids of the server's connections, to cut them off. */
  sessions(): number[];
  stop(): void;
}

/** A free port may be taken a moment later. */
export async function startSshd(tries = 3): Promise<SshServer> {
  // The bootstrap for tests installs it. A test that skipped it would prove nothing.
  if (program === undefined) throw new Error("there is no sshd here: `npm run bootstrap -- --tests`");
  const folder = temporaryFolder();
  const file = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content, { mode: 0o600 });
    return join(folder, name);
  };
  const host = ssh2.utils.generateKeyPairSync("ed25519");
  const login = ssh2.utils.generateKeyPairSync("ed25519");
  const port = await freePort();
  const config = file(
    "sshd_config",
    [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${file("host_key", host.private)}`,
      `AuthorizedKeysFile ${file("authorized_keys", login.public)}`,
      // The server knows only this user, and needs no PAM.
      "PidFile none",
      "UsePAM no",
      "StrictModes no",
      "PasswordAuthentication no",
      `SetEnv ${environment()}`,
      "",
    ].join("\n"),
  );
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  const log = join(folder, "log");
  const server = spawn(program, ["-D", "-E", log, "-f", config], { stdio: "ignore" });
  let answers = false;
  const ended = (): boolean => server.exitCode !== null;
  const answersOrEnds = (): boolean => {
    if (answers || ended()) return true;
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.on("connect", () => {
      answers = true;
      socket.destroy();
    });
    return false;
  };
  await waitUntil("sshd answers", answersOrEnds, 30);
  if (ended()) {
    const why = readFileSync(log, "utf8");
    if (why.includes("Address already in use") && tries > 1) return startSshd(tries - 1);
    throw new Error(`sshd ended: ${why}`);
  }
  return {
    builder: {
      arch: "x86_64",
      host: "127.0.0.1",
      port,
      user: "",
      hostKey: host.public,
      slots: 1,
      privateKeyFile: file("login_key", login.private),
      folder: join(folder, "builder"),
    },
    sessions: () => childrenOf(server.pid!),
    stop: () => server.kill("SIGKILL"),
  };
}

/** A machine's /etc/environment: where programs are, and how to reach the registry. */
function environment(): string {
  return Object.entries(process.env)
    .filter(([name]) => /^(PATH|NODE_EXTRA_CA_CERTS|npm_config_registry|https?_proxy|no_proxy)$/i.test(name))
    .map(([name, value]) => `"${name}=${value}"`)
    .join(" ");
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
}
