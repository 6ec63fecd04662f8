import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import ssh2, { type ServerConnectionListener } from "ssh2";
import type { Builder } from "../../../src/configuration/settings.ts";
import { Connection } from "../../../src/remote/connection.ts";
import { fingerprint, hostKeyBlob } from "../../../src/remote/host-key.ts";
import { temporaryFolder } from "../../helpers/temporary.ts";
import { readSettings } from "../../helpers/configuration.ts";
import { assertError, rejectsWith } from "../../helpers/errors.ts";

const host = ssh2.utils.generateKeyPairSync("ed25519");
const login = ssh2.utils.generateKeyPairSync("ed25519");
const other = ssh2.utils.generateKeyPairSync("ed25519");
const folder = temporaryFolder();
const privateKeyFile = join(folder, "login");
writeFileSync(privateKeyFile, login.private, { mode: 0o600 });

describe("the connection to a builder", () => {
  const servers: Server[] = [];
  const sockets: Socket[] = [];
  const opened: Connection[] = [];
  let authentications = 0;
  let connections = 0;
  beforeEach(() => (authentications = connections = 0));
  afterEach(() => {
    for (const connection of opened.splice(0)) connection.close();
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const server of servers.splice(0)) server.close();
  });

  async function listening(server: Server): Promise<number> {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
  }

  /** An SSH server, by the library of our client, that runs commands by the shell as sshd does. */
  async function sshServer(): Promise<Builder> {
    const accept: ServerConnectionListener = (client) => {
      connections += 1;
      client
        .on("error", () => {})
        .on("authentication", (context) => {
          if (context.method === "none") {
            context.reject(["publickey"]);
            return;
          }
          authentications += 1;
          const mine = hostKeyBlob(login.public);
          if (context.method === "publickey" && context.key.data.equals(mine)) context.accept();
          else context.reject();
        });
      client.on("session", (acceptSession) =>
        acceptSession().on("exec", (acceptExec, _, { command }) => {
          const channel = acceptExec();
          const child = spawn("sh", ["-c", command]);
          channel.pipe(child.stdin);
          child.stdout.pipe(channel, { end: false });
          child.stderr.pipe(channel.stderr, { end: false });
          child.on("close", (code) => {
            channel.exit(code ?? 255);
            channel.end();
          });
        }),
      );
    };
    const port = await listening(new ssh2.Server({ hostKeys: [host.private] }, accept));
    return builderAt(port);
  }

  function builderAt(port: number, changes: Partial<Builder> = {}): Builder {
    const plain = {
      arch: "x86_64",
      host: "127.0.0.1",
      port,
      hostKey: host.public,
      privateKeyFile,
      ...changes,
    };
    return readSettings({ builders: [plain] }).builders[0]!;
  }

  async function open(builder: Builder, lifeSeconds?: number): Promise<Connection> {
    const connection = await Connection.open(builder, lifeSeconds);
    opened.push(connection);
    return connection;
  }

  it("runs commands with words as they are, and reads what they say", async () => {
    const connection = await open(await sshServer());
    const said: string[] = [];
    const script = 'read -r line; printf "<%s>" "$line" "$@"; echo one >&2; echo two >&2; exit 7';
    const command = await connection.run(script, ["a b", "$HOME", "", "c'd", "e\nf"], (line) =>
      said.push(line),
    );
    command.send("a line\n");
    assert.equal(await text(command.stdout), "<a line><a b><$HOME><><c'd><e\nf>");
    assert.equal(await command.ended, 7);
    assert.deepEqual(said, ["one", "two"]);
  });

  const placeOf = ({ host, port }: Builder): string => `builder ${host}:${port}`;

  it("is refused before anything is sent when the host key is another", async () => {
    const builder = await sshServer();
    const error = await open({ ...builder, hostKey: other.public }).catch((error: Error) => error);
    assertError(error, { code: "builder-host-key-wrong", where: placeOf(builder) });
    for (const key of [host, other]) {
      const { message } = error as Error;
      assert.ok(message.includes(fingerprint(hostKeyBlob(key.public))), message);
    }
    assert.equal(authentications, 0);
    assert.equal(connections, 1, "another try would find the same key");
  });

  it("says that a host has no key of the pinned type, and that a key does not open it", async () => {
    const builder = await sshServer();
    const ecdsa = ssh2.utils.generateKeyPairSync("ecdsa", { bits: 256 });
    await rejectsWith(open({ ...builder, hostKey: ecdsa.public }), {
      code: "builder-host-key-wrong",
      where: placeOf(builder),
      text: /no host key .*ecdsa-sha2-nistp256/,
    });
    const wrong = join(folder, "wrong");
    writeFileSync(wrong, other.private, { mode: 0o600 });
    await rejectsWith(open({ ...builder, privateKeyFile: wrong }), {
      code: "builder-login-refused",
      where: placeOf(builder),
    });
  });

  it("says which key it cannot use", async () => {
    const builder = builderAt(1);
    await rejectsWith(open({ ...builder, privateKeyFile: "/no/key" }), {
      code: "file-unreadable",
      where: "/no/key",
    });
    const locked = join(folder, "locked");
    const { private: key } = ssh2.utils.generateKeyPairSync("ed25519", {
      passphrase: "secret",
      cipher: "aes256-cbc",
      rounds: 1,
    });
    writeFileSync(locked, key, { mode: 0o600 });
    await rejectsWith(open({ ...builder, privateKeyFile: locked }), {
      code: "ssh-key-invalid",
      where: locked,
    });
  });

  it("tries again when the network is at fault, for nothing has begun yet", async () => {
    const { port } = await sshServer();
    let tries = 0;
    const flaky = createServer((socket) => {
      tries += 1;
      if (tries === 1) socket.destroy();
      else socket.pipe(connect(port, "127.0.0.1")).pipe(socket);
    });
    await open(builderAt(await listening(flaky)));
    assert.equal(tries, 2);
  });

  for (const [how, cut] of [
    ["closes", (socket: Socket) => socket.destroy()],
    // Of a machine that is gone nothing comes, not even that it is.
    ["falls silent", (socket: Socket) => socket.unpipe().pause()],
  ] as const) {
    it(`is known to be lost when the other end ${how}`, async () => {
      const { port } = await sshServer();
      const between = createServer((socket) => {
        const onward = connect(port, "127.0.0.1");
        socket
          .on("error", () => {})
          .pipe(onward.on("error", () => {}))
          .pipe(socket);
        sockets.push(socket, onward);
      });
      const connection = await open(builderAt(await listening(between)), 0.1);
      const command = await connection.run("cat >/dev/null", [], () => {});
      command.stdout.resume();
      sockets.forEach(cut);
      await assert.rejects(command.ended, { name: "BuilderLost" });
      await assert.rejects(
        connection.run("true", [], () => {}),
        { name: "BuilderLost" },
      );
    });
  }
});
