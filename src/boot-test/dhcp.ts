/** Adds a name server to DHCP messages. */
const optionsStart = 240;
const option = { padding: 0, nameServer: 6, end: 255 };

/**
 * A DHCP message with a name server added: option 6 (RFC 2132).
 * @param address the server's address, four bytes
 * @returns undefined if this is not a DHCP message, or if it already has a name server
 */
export function withNameServer(message: Buffer, address: Buffer): Buffer | undefined {
  const isDhcp = message.length > optionsStart && message.readUInt32BE(optionsStart - 4) === 0x63825363;
  if (!isDhcp) return undefined;
  let at = optionsStart;
  for (let code = message[at]; code !== option.end; code = message[at]) {
    if (code === undefined || code === option.nameServer) return undefined;
    at += code === option.padding ? 1 : 2 + (message[at + 1] ?? 0);
  }
  const added = [option.nameServer, 4, ...address, option.end];
  // After the end there is padding, to a length that some clients require.
  const longer = Buffer.alloc(Math.max(message.length, at + added.length));
  message.copy(longer, 0, 0, at);
  longer.set(added, at);
  return longer;
}
