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

/** A builder went away after it had been reached. */
export class BuilderLost extends Error {
  override readonly name = "BuilderLost";
}

/** A command on a builder. */
export interface RemoteCommand {
  stdout: Readable;
  /** Adds to its standard input, which stays open: when it closes, the command ends itself. */
  send(data: string | Buffer): void;
  /** Exit code, or the signal that ended it. Rejects with BuilderLost when nobody will ever know. */
  ended: Promise<number | string>;
}

/** Seconds between signs of life, in both directions: after three without an answer a builder is lost. */
const signOfLifeSeconds = 10;

/** A connection to a builder whose host key is the pinned one. */
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
   * Connects, with three tries where the network is at fault: nothing has begun yet.
   * @throws UserError when it cannot be reached, is not the pinned one, or does not let us in
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
        "check host and port in the stack's builders, and that its SSH server runs",
        { where: `builder ${address(builder)}`, cause: error },
      );
    });
  }

  /**
   * Runs a command, with signs of life as empty lines on its input.
   * @param script a POSIX shell's; its arguments are `$1`, `$2`, … in it
   * @param onLine gets what it says on stderr
   */
  async run(script: string, args: readonly string[], onLine: (line: string) => void): Promise<RemoteCommand> {
    // Non-interactive sessions often lack the folders that Node and QEMU are in.
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
    // Whoever reads stdout first learns of it there.
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
   * Lets a server of this process be reached from the builder alone.
   * @returns the port of the builder's loopback on which it is
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
              `builder ${address(this.builder)} cannot reach the stack's mirror, which is on this machine, and does not forward ports (${error.message})`,
              "set AllowTcpForwarding to yes or remote in its sshd_config, or use a mirror that it can reach",
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

/** For messages: `user@host`, and the port where it is another than SSH's. */
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

/** What another try would not change. */
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
        `builder ${address(builder)} has another host key: expected ${expected}, found ${fingerprint(stranger)}; nothing was sent to it`,
        "find out whether it is the right machine; if its key was really renewed, put the new one into the stack's builders",
        { where: `builder ${address(builder)}` },
      ),
    );
  }
  if (error.level === "handshake" && error.message.includes("host key")) {
    return new AbortError(
      new UserError(
        "builder-host-key-wrong",
        `builder ${address(builder)} has no host key of the pinned type ${builder.hostKey.split(" ")[0]}`,
        `\`ssh-keyscan ${builder.host}\` prints those it has`,
        { where: `builder ${address(builder)}` },
      ),
    );
  }
  if (error.level === "client-authentication" || error.level === "agent") {
    const key = builder.privateKeyFile === "" ? "the SSH agent's keys" : `key ${builder.privateKeyFile}`;
    return new AbortError(
      new UserError(
        "builder-login-refused",
        `builder ${address(builder)} does not let us in with ${key}`,
        "check user and key, and the authorized_keys there",
        { where: `builder ${address(builder)}` },
      ),
    );
  }
  return undefined;
}

/** What we log in with. */
function identity(builder: Builder): ConnectConfig {
  if (builder.privateKeyFile === "") {
    const agent = process.env["SSH_AUTH_SOCK"];
    if (agent) return { agent };
    throw new UserError(
      "ssh-agent-missing",
      `there is no SSH agent to log in to builder ${address(builder)} with`,
      "start one and add a key to it, or name a key in the builder's privateKeyFile",
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
      `${file} is no key to log in to builder ${address(builder)} with: ${parsed.message}`,
      "give a private key without a passphrase, or leave privateKeyFile out and add the key to an SSH agent",
      { where: file },
    );
  }
  return { privateKey };
}

/** One word for a POSIX shell, and for those that are nearly one. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
