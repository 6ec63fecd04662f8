import assert from "node:assert/strict";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import ssh2 from "ssh2";
import { openSpeaking, runOverSsh, SshError } from "../../../src/boot-test/ssh.ts";
import { freePort } from "../../../src/lib/loopback.ts";

const servers: { close(): unknown }[] = [];
after(() => servers.forEach((server) => server.close()));

async function listen(server: Server | ssh2.Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}
const plain = (onConnection: (socket: Socket) => void): Promise<number> => listen(createServer(onConnection));

describe("a connection to a guest", () => {
  it("is given up when nothing is said in time, for a fresh one may be answered sooner", async () => {
    const port = await plain((socket) => socket.on("error", () => {}));
    await assert.rejects(
      openSpeaking(port, 100),
      (error) => error instanceof SshError && error.message === "no answer",
    );
  });

  it("is given up at once when it is closed or refused", async () => {
    const port = await plain((socket) => socket.destroy());
    await assert.rejects(openSpeaking(port, 5_000), SshError);
    await assert.rejects(openSpeaking(await freePort(), 5_000), /ECONNREFUSED/);
  });

  it("loses nothing of what was said before: a command runs over it", async () => {
    const hostKey = ssh2.utils.generateKeyPairSync("ed25519").private;
    const user = ssh2.utils.generateKeyPairSync("ed25519");
    const server = new ssh2.Server({ hostKeys: [hostKey] }, (client) => {
      client.on("authentication", (context) => context.accept());
      client.on("session", (accept) => {
        accept().on("exec", (acceptExec, _, { command }) => {
          const stream = acceptExec();
          stream.on("data", (input: Buffer) => stream.write(`${command}: ${input.toString()}`));
          stream.on("end", () => {
            stream.exit(3);
            stream.end();
          });
        });
      });
    });
    const sock = await openSpeaking(await listen(server), 5_000);
    const connection = { sock, username: "alpine", privateKey: user.private, hostVerifier: () => true };
    assert.deepEqual(await runOverSsh(connection, "cat", "input"), {
      stdout: "cat: input",
      stderr: "",
      exitCode: 3,
    });
  });
});
