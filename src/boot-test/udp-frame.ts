/** The addresses and payload of an Ethernet frame with UDP over IPv4. Addresses are raw bytes. */
export interface UdpFrame {
  /** Ethernet addresses. */
  from: Buffer;
  to: Buffer;
  /** IPv4 addresses. */
  source: Buffer;
  destination: Buffer;
  sourcePort: number;
  destinationPort: number;
  payload: Buffer;
}

const ethernetLength = 14;
const udpLength = 8;
const headersLength = ethernetLength + 20 + udpLength;

/** @returns undefined for any other frame */
export function readUdp(frame: Buffer): UdpFrame | undefined {
  if (frame.length < headersLength || frame.readUInt16BE(12) !== 0x0800) return undefined;
  const ip = frame.subarray(ethernetLength);
  const ipLength = (ip.readUInt8(0) & 0x0f) * 4;
  if (ip.readUInt8(9) !== 17 || ip.length < ipLength + udpLength) return undefined;
  const udp = ip.subarray(ipLength);
  return {
    to: frame.subarray(0, 6),
    from: frame.subarray(6, 12),
    source: ip.subarray(12, 16),
    destination: ip.subarray(16, 20),
    sourcePort: udp.readUInt16BE(0),
    destinationPort: udp.readUInt16BE(2),
    payload: udp.subarray(udpLength, udp.readUInt16BE(4)),
  };
}

export function writeUdp(udp: UdpFrame): Buffer {
  const headers = Buffer.alloc(headersLength);
  headers.set(udp.to, 0);
  headers.set(udp.from, 6);
  headers.writeUInt16BE(0x0800, 12);
  const ip = headers.subarray(ethernetLength);
  ip.set([0x45, 0], 0);
  ip.writeUInt16BE(ip.length + udp.payload.length, 2);
  ip.set([64, 17], 8);
  ip.set(udp.source, 12);
  ip.set(udp.destination, 16);
  ip.writeUInt16BE(checksum(ip.subarray(0, 20)), 10);
  ip.writeUInt16BE(udp.sourcePort, 20);
  ip.writeUInt16BE(udp.destinationPort, 22);
  // In IPv4, UDP's own checksum is optional: zero means that there is none.
  ip.writeUInt16BE(udpLength + udp.payload.length, 24);
  return Buffer.concat([headers, udp.payload]);
}

/** The checksum of RFC 1071, for a header whose checksum field is zero. */
function checksum(header: Buffer): number {
  let sum = 0;
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
