import { Client, type ConnectConfig } from "ssh2";

/** Why a try to reach a guest failed. */
export class SshError extends Error {
  override readonly name = "SshError";
}

/** Runs a command over SSH with standard input; resolves with its output and exit code. */
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
