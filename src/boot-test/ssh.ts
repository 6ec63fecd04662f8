/** Connects to a booting guest and runs commands over SSH. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Client, type ConnectConfig } from "ssh2";

/** Why an attempt to reach a guest failed. */
export class SshError extends Error {
  override readonly name = "SshError";
}

/**
 * Connects to a port on this host's loopback and waits until the other side sends data. QEMU accepts connections before
 * the guest has a network, then retries the guest at ever longer intervals. A new connection therefore reaches it sooner
 * than a waiting one.
 * @throws SshError if no data arrives in time, or the connection breaks
 */
export async function openSpeaking(port: number, milliseconds: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "readable", { signal: AbortSignal.timeout(milliseconds) });
    if (socket.readableLength === 0) throw new Error("the connection was closed");
    return socket;
  } catch (error) {
    socket.on("error", () => {});
    socket.destroy();
    const wasSilent = (error as Error).name === "AbortError";
    throw new SshError(wasSilent ? "no answer" : (error as Error).message, { cause: error });
  }
}

/** Runs a command over SSH with the given standard input. Resolves with its output and exit code. */
export function runOverSsh(
  connection: ConnectConfig,
  command: string,
  input: string | Buffer,
): Promise<{ stdout: string; stderr: string; exitCode: number }> {
  return new Promise((resolve, reject) => {
    const client = new Client();
    const fail = (error: Error): void => {
      client.destroy();
      reject(new SshError(error.message, { cause: error }));
    };
    client
      .on("error", fail)
      .on("close", () => fail(new Error("the connection was closed")))
      .on("ready", () => {
        client.exec(command, (error, channel) => {
          if (error) {
            fail(error);
            return;
          }
          let stdout = "";
          let stderr = "";
          channel.setEncoding("utf8").on("data", (text: string) => (stdout += text));
          channel.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
          channel.on("close", (exitCode: number | null) => {
            resolve({ stdout, stderr, exitCode: exitCode ?? -1 });
            client.end();
          });
          channel.end(input);
        });
      })
      .connect(connection);
  });
}
