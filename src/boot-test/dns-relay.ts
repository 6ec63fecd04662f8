/** Answers a guest's DNS queries without a real name server. */
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { listenOnLoopback } from "../lib/loopback.ts";
import { withNameServer } from "./dhcp.ts";
import { answerQuestion } from "./name-server.ts";
import { readUdp, writeUdp } from "./udp-frame.ts";

/**
 * The wire between a guest's card and QEMU's user network. A restricted user network has no name server, and its DHCP
 * server names none. But Google Cloud guests look up their metadata server by name, and programs in any guest wait a
 * long time for an answer that never comes. So the relay answers all DNS queries itself, whatever their destination, and
 * adds the DHCP server's address to leases as the name server. All other frames pass unchanged.
 */
export interface DnsRelay {
  /** Ports on this host's loopback that QEMU's socket networks connect to. */
  ports: DnsRelayPorts;
  close(): Promise<void>;
}

export interface DnsRelayPorts {
  /** The end of the guest's card. */
  card: number;
  /** The end of the user network. */
  network: number;
}

/** @param names name → IPv4 address; all other names do not exist */
export async function serveDnsRelay(names: Readonly<Record<string, string>>): Promise<DnsRelay> {
  const card = await openEnd();
  const network = await openEnd();
  void Promise.all([card.connection, network.connection]).then(([cardSocket, networkSocket]) => {
    readFrames(cardSocket, (frame) => {
      const answer = answerFrame(frame, names);
      if (answer === undefined) writeFrame(networkSocket, frame);
      else writeFrame(cardSocket, answer);
    });
    readFrames(networkSocket, (frame) => writeFrame(cardSocket, nameServerAdded(frame) ?? frame));
  });
  return {
    ports: { card: card.port, network: network.port },
    close: async () => void (await Promise.all([card.close(), network.close()])),
  };
}

/** The answer to a guest's frame; undefined for everything except DNS queries over UDP. */
export function answerFrame(frame: Buffer, names: Readonly<Record<string, string>>): Buffer | undefined {
  const udp = readUdp(frame);
  if (udp?.destinationPort !== 53) return undefined;
  const payload = answerQuestion(udp.payload, names);
  if (payload === undefined) return undefined;
  return writeUdp({
    from: udp.to,
    to: udp.from,
    source: udp.destination,
    destination: udp.source,
    sourcePort: udp.destinationPort,
    destinationPort: udp.sourcePort,
    payload,
  });
}

/** The replacement for a DHCP server's frame; undefined for all other frames. */
export function nameServerAdded(frame: Buffer): Buffer | undefined {
  const udp = readUdp(frame);
  if (udp?.sourcePort !== 67) return undefined;
  const payload = withNameServer(udp.payload, udp.source);
  return payload === undefined ? undefined : writeUdp({ ...udp, payload });
}

async function openEnd(): Promise<{ port: number; connection: Promise<Socket>; close(): Promise<void> }> {
  let socket: Socket | undefined;
  const server = createServer();
  const port = await listenOnLoopback(server);
  const connection = once(server, "connection").then(([connected]) => {
    socket = connected as Socket;
    // QEMU breaks the connection when it ends. Whether it ended well is checked elsewhere.
    return socket.on("error", () => {});
  });
  return {
    port,
    connection,
    close: () =>
      new Promise((resolve) => {
        socket?.destroy();
        server.close(() => resolve());
      }),
  };
}

/** Reads frames, each preceded by its length. */
function readFrames(socket: Socket, take: (frame: Buffer) => void): void {
  let received = Buffer.alloc(0);
  socket.on("data", (bytes: Buffer) => {
    received = Buffer.concat([received, bytes]);
    while (received.length >= 4 && received.length >= 4 + received.readUInt32BE(0)) {
      const end = 4 + received.readUInt32BE(0);
      take(received.subarray(4, end));
      received = received.subarray(end);
    }
  });
}

function writeFrame(socket: Socket, frame: Buffer): void {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(frame.length);
  socket.write(Buffer.concat([length, frame]));
}
