import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { connect } from "node:net";
import { answerFrame, serveNames } from "../../../scripts/boot-test/name-server.ts";

const names = { "metadata.google.internal": "169.254.169.254" };

/** An Ethernet frame of a guest (168.0.0.15) for the name server (168.0.0.3). */
function frameOf(message: Buffer, port = 53): Buffer {
  const frame = Buffer.alloc(14 + 20 + 8);
  frame.set([2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 8, 0, 0x45], 0);
  frame.writeUInt16BE(28 + message.length, 16);
  frame.set([64, 17], 22);
  frame.set([168, 0, 0, 15, 168, 0, 0, 3], 26);
  frame.writeUInt16BE(40_000, 34);
  frame.writeUInt16BE(port, 36);
  frame.writeUInt16BE(8 + message.length, 38);
  return Buffer.concat([frame, message]);
}

describe("the name server in a guest's network", () => {
  /** Asks with Node's own resolver, by a UDP port that puts each question into a frame. */
  async function ask<T>(question: (resolver: Resolver) => Promise<T>): Promise<T> {
    const server = await serveNames(names);
    const network = connect(server.port, "127.0.0.1");
    const udp = createSocket("udp4");
    await new Promise<void>((resolve) => udp.bind(0, "127.0.0.1", resolve));
    udp.on("message", (message, from) => {
      const frame = frameOf(message);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(frame.length);
      network.once("data", (reply: Buffer) => udp.send(reply.subarray(4 + 14 + 28), from.port, from.address));
      // In two parts, as a stream may bring it.
      network.write(length);
      network.write(frame);
    });
    const resolver = new Resolver({ timeout: 2_000, tries: 1 });
    resolver.setServers([`127.0.0.1:${udp.address().port}`]);
    try {
      return await question(resolver);
    } finally {
      network.destroy();
      udp.close();
      await server.close();
    }
  }

  it("knows the names it was given, and no others", async () => {
    assert.deepEqual(await ask((resolver) => resolver.resolve4("metadata.google.internal")), [
      "169.254.169.254",
    ]);
    await assert.rejects(
      ask((resolver) => resolver.resolve4("example.org")),
      { code: "ENOTFOUND" },
    );
  });

  it("has no IPv6 address for them", async () => {
    await assert.rejects(
      ask((resolver) => resolver.resolve6("metadata.google.internal")),
      { code: "ENODATA" },
    );
  });

  it("answers whoever asked, with a header that adds up", () => {
    const question = Buffer.from("00010100000100000000000001780000010001", "hex");
    const reply = answerFrame(frameOf(question), { x: "1.2.3.4" })!;
    assert.equal(reply.toString("hex", 0, 14), "0101010101010202020202020800");
    assert.deepEqual([...reply.subarray(26, 34)], [168, 0, 0, 3, 168, 0, 0, 15]);
    assert.deepEqual([reply.readUInt16BE(34), reply.readUInt16BE(36)], [53, 40_000]);
    let sum = 0;
    for (let at = 14; at < 34; at += 2) sum += reply.readUInt16BE(at);
    assert.equal((sum & 0xffff) + (sum >>> 16), 0xffff);
    assert.deepEqual([...reply.subarray(-4)], [1, 2, 3, 4]);
  });

  it("leaves everything else to the user network", () => {
    const question = Buffer.from("00010100000100000000000001780000010001", "hex");
    assert.equal(answerFrame(frameOf(question, 67), names), undefined);
    assert.equal(answerFrame(Buffer.alloc(60), names), undefined);
    assert.equal(answerFrame(frameOf(question.subarray(0, 14)), names), undefined);
    assert.equal(answerFrame(frameOf(Buffer.from("0001010000010000000000003f78", "hex")), names), undefined);
  });
});
