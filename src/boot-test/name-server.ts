/**
 * The answer to a DNS query with a single question; undefined for everything else.
 * @param names name → IPv4 address; all other names do not exist
 */
export function answerQuestion(query: Buffer, names: Readonly<Record<string, string>>): Buffer | undefined {
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
  // Only IPv4 addresses (type 1) are known. If another type is asked for, the name still exists.
  const hasAnswer = address !== undefined && query.readUInt16BE(at + 1) === 1;
  const header = Buffer.alloc(12);
  header.set(query.subarray(0, 2), 0);
  header.writeUInt16BE(0x8580 | (address === undefined ? 3 : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(hasAnswer ? 1 : 0, 6);
  if (!hasAnswer) return Buffer.concat([header, question]);
  // Name: the one at byte 12. Type A, class IN, TTL of a minute, four bytes.
  const answer = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address.split(".").map(Number)];
  return Buffer.concat([header, question, Buffer.from(answer)]);
}
