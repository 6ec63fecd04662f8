/** SSH connections to builders. */
import { readFileSync } from "node:fs";
import type { Server } from "node:http";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import pRetry, { AbortError } from "p-retry";
import ssh2, { Client, type ClientChannel, type ConnectConfig, type ServerHostKeyAlgorithm } from "ssh2";
import type { Builder } from "../configuration/settings.ts";
import { UserError } from "../lib/user-error.ts";
import { projectRoot } from "../lib/workspace.ts";
import { fingerprint, hostKeyAlgorithms, hostKeyBlob } from "./host-key.ts";

/** The connection to a builder was lost. */
export class BuilderLost extends Error {
  override readonly name = "BuilderLost";
}

/** A command on a builder. */
export interface RemoteCommand {
  stdout: Readable;
  /** Writes to its standard input, which stays open: if it closes, the command ends. */
  send(data: string | Buffer): void;
  /** Exit code, or the signal that ended it. Rejects with BuilderLost if the connection is lost before that. */
  ended: Promise<number | string>;
}

/** Seconds between heartbeats, in both directions. After three without an answer, a builder counts as lost. */
const signOfLifeSeconds = 10;

/** A connection to a builder that has the pinned host key. */
export class Connection {
  #fault: Error | undefined;
  private readonly client: Client;
  readonly builder: Builder;

  private constructor(client: Client, builder: Builder) {
    this.client = client;
    this.builder = builder;
    client.on("error", (error) => (this.#fault ??= error));
  }

  /**
   * Connects. Network failures are retried: there are three attempts.
   * @throws UserError if the builder cannot be reached, has another host key, or refuses the login
   */
  static async open(builder: Builder, lifeSeconds = signOfLifeSeconds): Promise<Connection> {
    const who = identity(builder);
    return pRetry(async () => new Connection(await connected(builder, who, lifeSeconds), builder), {
      retries: 2,
      minTimeout: 500,
      shouldRetry: () => true,
    }).catch((error: Error) => {
      if (error instanceof UserError) throw error;
      throw new UserError(
        "builder-unreachable",
        `builder ${address(builder)} cannot be reached: ${error.message}`,
        "check its host and port in the stack's builders, and that its SSH server is running",
        { where: `builder ${address(builder)}`, cause: error },
      );
    });
  }

  /**
   * Runs a command, with a heartbeat of empty lines on its standard input.
   * @param script a POSIX shell script; its arguments are `$1`, `$2`, …
   * @param onLine gets the lines of its stderr
   */
  async run(script: string, args: readonly string[], onLine: (line: string) => void): Promise<RemoteCommand> {
    // The PATH of non-interactive sessions often lacks the folders of Node and QEMU.
    const command = ["sh", "-c", `PATH="$PATH:/usr/local/bin:/opt/homebrew/bin"\n${script}`, "sh", ...args];
    const channel = await this.#exec(command.map(quoted).join(" "));
    channel.on("error", (error: Error) => (this.#fault ??= error));
    createInterface({ input: channel.stderr }).on("line", onLine);
    const signs = setInterval(() => channel.write("\n"), signOfLifeSeconds * 1000);
    const ended = new Promise<number | string>((resolve, reject) => {
      let status: number | string | undefined;
      channel.on("exit", (code: number | null, signal?: string) => (status = code ?? signal ?? "a signal"));
      channel.on("close", () => {
        clearInterval(signs);
        if (status === undefined) reject(this.#lost());
        else resolve(status);
      });
    });
    // A caller that is still reading stdout sees the failure there first.
    ended.catch(() => {});
    return { stdout: channel, send: (data) => void channel.write(data), ended };
  }

  #exec(command: string): Promise<ClientChannel> {
    return new Promise((resolve, reject) => {
      const gone = (): void => reject(this.#lost());
      this.client.once("close", gone);
      try {
        this.client.exec(command, (error, channel) => {
          this.client.off("close", gone);
          if (error) reject(error);
          else resolve(channel);
        });
      } catch {
        gone();
      }
    });
  }

  /**
   * Makes a server in this process reachable from the builder only.
   * @returns its port on the builder's loopback
   */
  async offer(server: Server): Promise<number> {
    this.client.on("tcp connection", (_, accept) => server.emit("connection", accept()));
    return new Promise((resolve, reject) => {
      this.client.forwardIn("127.0.0.1", 0, (error, port) => {
        if (error === undefined) resolve(port);
        else {
          reject(
            new UserError(
              "builder-forwarding-refused",
              `builder ${address(this.builder)} refuses port forwarding, which it needs to reach the stack's mirror on this machine (${error.message})`,
              "set AllowTcpForwarding to yes or remote in its sshd_config, or use a mirror that the builder can reach",
              { where: `builder ${address(this.builder)}` },
            ),
          );
        }
      });
    });
  }

  close(): void {
    this.client.destroy();
  }

  #lost(): BuilderLost {
    return new BuilderLost(this.#fault?.message ?? "it closed the connection");
  }
}

/** For messages: `user@host`, and the port if it is not 22. */
export function address({ host, port, user }: Builder): string {
  return `${user === "" ? "" : `${user}@`}${host}${port === 22 ? "" : `:${port}`}`;
}

async function connected(builder: Builder, who: ConnectConfig, lifeSeconds: number): Promise<Client> {
  const pinned = hostKeyBlob(builder.hostKey);
  let stranger: Buffer | undefined;
  const client = new Client();
  try {
    await new Promise<void>((resolve, reject) => {
      client
        .on("error", reject)
        .on("close", () => reject(new Error("it closed the connection")))
        .on("ready", resolve)
        .connect({
          ...who,
          host: builder.host,
          port: builder.port,
          username: builder.user === "" ? os.userInfo().username : builder.user,
          readyTimeout: 20_000,
          keepaliveInterval: lifeSeconds * 1000,
          keepaliveCountMax: 3,
          algorithms: { serverHostKey: hostKeyAlgorithms(builder.hostKey) as ServerHostKeyAlgorithm[] },
          hostVerifier: (key: Buffer) => {
            if (!key.equals(pinned)) stranger = key;
            return stranger === undefined;
          },
        });
    });
    return client;
  } catch (error) {
    client.destroy();
    throw refusal(builder, error as Error & { level?: string }, stranger) ?? error;
  }
}

/** The error for a failure that another attempt would not fix. */
function refusal(
  builder: Builder,
  error: Error & { level?: string },
  stranger: Buffer | undefined,
): AbortError | undefined {
  if (stranger !== undefined) {
    const expected = fingerprint(hostKeyBlob(builder.hostKey));
    return new AbortError(
      new UserError(
        "builder-host-key-wrong",
        `builder ${address(builder)} has a different host key: expected ${expected}, found ${fingerprint(stranger)}; nothing was sent to it`,
        "check that it is the right machine; if its key was renewed, put the new one into the stack's builders",
        { where: `builder ${address(builder)}` },
      ),
    );
  }
  if (error.level === "handshake" && error.message.includes("host key")) {
    return new AbortError(
      new UserError(
        "builder-host-key-wrong",
        `builder ${address(builder)} has no host key of the pinned type ${builder.hostKey.split(" ")[0]}`,
        `\`ssh-keyscan ${builder.host}\` prints the keys it has`,
        { where: `builder ${address(builder)}` },
      ),
    );
  }
  if (error.level === "client-authentication" || error.level === "agent") {
    const key = builder.privateKeyFile === "" ? "the SSH agent's keys" : `key ${builder.privateKeyFile}`;
    return new AbortError(
      new UserError(
        "builder-login-refused",
        `builder ${address(builder)} refuses the login with ${key}`,
        "check the user and the key, and authorized_keys on the builder",
        { where: `builder ${address(builder)}` },
      ),
    );
  }
  return undefined;
}

/** The credentials to log in with. */
function identity(builder: Builder): ConnectConfig {
  if (builder.privateKeyFile === "") {
    const agent = process.env["SSH_AUTH_SOCK"];
    if (agent) return { agent };
    throw new UserError(
      "ssh-agent-missing",
      `no SSH agent is running to log in to builder ${address(builder)}`,
      "start one and add a key to it, or set the builder's privateKeyFile",
      { where: `builder ${address(builder)}` },
    );
  }
  const file = path.resolve(projectRoot, builder.privateKeyFile.replace(/^~(?=\/)/, os.homedir()));
  let privateKey: Buffer;
  try {
    privateKey = readFileSync(file);
  } catch (error) {
    throw new UserError(
      "file-unreadable",
      `cannot read the key for builder ${address(builder)}: ${(error as Error).message}`,
      "check its privateKeyFile in the stack's builders",
      { where: file },
    );
  }
  const parsed = ssh2.utils.parseKey(privateKey);
  if (parsed instanceof Error) {
    throw new UserError(
      "ssh-key-invalid",
      `cannot use ${file} to log in to builder ${address(builder)}: ${parsed.message}`,
      "use a private key without a passphrase, or omit privateKeyFile and add the key to an SSH agent",
      { where: file },
    );
  }
  return { privateKey };
}

/** Quotes a word for a POSIX shell or a similar one. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
