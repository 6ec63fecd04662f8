import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { listenOnLoopback } from "../lib/loopback.ts";
import { withNameServer } from "./dhcp.ts";
import { answerQuestion } from "./name-server.ts";
import { readUdp, writeUdp } from "./udp-frame.ts";

/**
 * The wire between a guest's card and QEMU's user network. That network has no name server where it is restricted, and its
 * DHCP then names none; but a guest of Google Cloud looks its metadata server up by name, and every guest's programs wait
 * long for an answer that never comes. So questions of DNS, to whomever, are answered on the wire, and what DHCP leases
 * names its server as the name server. All other frames pass as they are.
 */
export interface DnsRelay {
  /** Ports of this host's loopback, which QEMU's socket networks connect to. */
  ports: DnsRelayPorts;
  close(): Promise<void>;
}

export interface DnsRelayPorts {
  /** The end where the guest's card is. */
  card: number;
  /** The end where the user network is. */
  network: number;
}

/** @param names name to IPv4 address; there are no others */
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

/** The frame that answers a guest's; undefined for all but questions of DNS by UDP. */
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

/** The frame in place of one of a DHCP server; undefined for all others. */
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
    // QEMU's end breaks it off; whether that went well is its watcher's business.
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

/** Each frame comes after its length. */
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
