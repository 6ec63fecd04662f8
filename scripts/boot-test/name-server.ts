import { createServer, type Socket } from "node:net";
import { listenOnLoopback } from "../lib/loopback.ts";

/**
 * A name server in a guest's network. QEMU's user network asks the host's own, or nobody where it is restricted; but a guest
 * of Google Cloud looks its metadata server up by name, and every guest's programs wait long for an answer that never comes.
 * So the network is a hub with a second port, whose Ethernet frames come here: questions by UDP for port 53 are answered,
 * everything else is left to the user network.
 */
export interface NameServer {
  /** Of this host's loopback: QEMU's socket network connects to it. */
  port: number;
  close(): Promise<void>;
}

/** @param names name to IPv4 address; there are no others */
export async function serveNames(names: Readonly<Record<string, string>>): Promise<NameServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    let received = Buffer.alloc(0);
    socket.on("data", (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
      // Each frame comes after its length.
      while (received.length >= 4 && received.length >= 4 + received.readUInt32BE(0)) {
        const end = 4 + received.readUInt32BE(0);
        const reply = answerFrame(received.subarray(4, end), names);
        if (reply !== undefined) socket.write(Buffer.concat([uint32(reply.length), reply]));
        received = received.subarray(end);
      }
    });
  });
  const port = await listenOnLoopback(server);
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

const ethernetLength = 14;
const udpLength = 8;

/** The frame that answers a frame; undefined for all but questions of DNS by UDP and IPv4. */
export function answerFrame(frame: Buffer, names: Readonly<Record<string, string>>): Buffer | undefined {
  if (frame.length < ethernetLength + 20 || frame.readUInt16BE(12) !== 0x0800) return undefined;
  const ip = frame.subarray(ethernetLength);
  const ipLength = (ip.readUInt8(0) & 0x0f) * 4;
  const isUdp = ip.readUInt8(9) === 17 && ip.length >= ipLength + udpLength;
  if (!isUdp || ip.readUInt16BE(ipLength + 2) !== 53) return undefined;
  const udp = ip.subarray(ipLength);
  const message = answerQuestion(udp.subarray(udpLength, udp.readUInt16BE(4)), names);
  if (message === undefined) return undefined;

  const header = Buffer.alloc(20 + udpLength);
  header.set([0x45, 0], 0);
  header.writeUInt16BE(header.length + message.length, 2);
  header.set([64, 17], 8);
  header.set(ip.subarray(16, 20), 12);
  header.set(ip.subarray(12, 16), 16);
  header.writeUInt16BE(checksum(header.subarray(0, 20)), 10);
  header.set(udp.subarray(2, 4), 20);
  header.set(udp.subarray(0, 2), 22);
  header.writeUInt16BE(udpLength + message.length, 24);
  // UDP's own checksum may be left out in IPv4: the zeros that stand there say so.
  return Buffer.concat([
    frame.subarray(6, 12),
    frame.subarray(0, 6),
    frame.subarray(12, 14),
    header,
    message,
  ]);
}

/** A DNS message that answers one with a single question. */
function answerQuestion(query: Buffer, names: Readonly<Record<string, string>>): Buffer | undefined {
  if (query.length < 17 || (query.readUInt8(2) & 0x80) !== 0 || query.readUInt16BE(4) !== 1) return undefined;
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at]; length !== 0; length = query[at]) {
    if (length === undefined || length > 63) return undefined;
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  const question = query.subarray(12, at + 5);
  if (question.length !== at + 5 - 12) return undefined;
  const address = names[labels.join(".").toLowerCase()];
  // Only IPv4 addresses (type 1) are known; a name without the kind that was asked for is there all the same.
  const hasAnswer = address !== undefined && query.readUInt16BE(at + 1) === 1;
  const header = Buffer.alloc(12);
  header.set(query.subarray(0, 2), 0);
  header.writeUInt16BE(0x8580 | (address === undefined ? 3 : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(hasAnswer ? 1 : 0, 6);
  if (!hasAnswer) return Buffer.concat([header, question]);
  // The name is the one at byte 12; type A, class IN, a minute, four bytes.
  const answer = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address.split(".").map(Number)];
  return Buffer.concat([header, question, Buffer.from(answer)]);
}

/** RFC 1071's, of a header whose own checksum is zero. */
function checksum(header: Buffer): number {
  let sum = 0;
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
