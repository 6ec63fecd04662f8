import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { readUdp, writeUdp } from "../../../src/boot-test/udp-frame.ts";
import { answerFrame, nameServerAdded, serveDnsRelay } from "../../../src/boot-test/dns-relay.ts";

const names = { x: "1.2.3.4" };
const question = Buffer.from("00010100000100000000000001780000010001", "hex");

const guest = { mac: Buffer.from("010101010101", "hex"), ip: Buffer.from([168, 0, 0, 15]) };
const host = { mac: Buffer.from("020202020202", "hex"), ip: Buffer.from([168, 0, 0, 2]) };

function fromGuest(payload: Buffer, destinationPort = 53): Buffer {
  return writeUdp({
    from: guest.mac,
    to: host.mac,
    source: guest.ip,
    destination: host.ip,
    sourcePort: 40_000,
    destinationPort,
    payload,
  });
}

/** A lease without a name server. */
function lease(sourcePort = 67): Buffer {
  const payload = Buffer.alloc(300);
  payload.set([99, 130, 83, 99, 53, 1, 5, 255], 236);
  return writeUdp({
    from: host.mac,
    to: guest.mac,
    source: host.ip,
    destination: guest.ip,
    sourcePort,
    destinationPort: 68,
    payload,
  });
}

describe("the wire between a guest's card and its network", () => {
  it("answers whoever asks for a name, with a header that adds up", () => {
    const reply = answerFrame(fromGuest(question), names)!;
    const { from, to, source, destination, sourcePort, destinationPort } = readUdp(reply)!;
    assert.deepEqual([from, to, source, destination], [host.mac, guest.mac, host.ip, guest.ip]);
    assert.deepEqual([sourcePort, destinationPort], [53, 40_000]);
    let sum = 0;
    for (let at = 14; at < 34; at += 2) sum += reply.readUInt16BE(at);
    assert.equal((sum & 0xffff) + (sum >>> 16), 0xffff);
    assert.deepEqual([...reply.subarray(-4)], [1, 2, 3, 4]);
  });

  it("tells a guest that gets its address where it can ask: whom it got it from", () => {
    const amended = nameServerAdded(lease())!;
    const { payload, ...between } = readUdp(amended)!;
    const { payload: before, ...betweenBefore } = readUdp(lease())!;
    assert.deepEqual(between, betweenBefore);
    assert.equal(payload.length, before.length);
    assert.deepEqual([...payload.subarray(240, 251)], [53, 1, 5, 6, 4, 168, 0, 0, 2, 255, 0]);
  });

  it("has nothing to say to any other frame", () => {
    assert.equal(answerFrame(fromGuest(question, 67), names), undefined);
    assert.equal(answerFrame(fromGuest(question.subarray(0, 14)), names), undefined);
    assert.equal(nameServerAdded(lease(53)), undefined);
    for (const frame of [Buffer.alloc(60), Buffer.alloc(10)]) {
      assert.equal(answerFrame(frame, names), undefined);
      assert.equal(nameServerAdded(frame), undefined);
    }
  });

  it("carries frames both ways, whole and in order, however they come", async () => {
    const wire = await serveDnsRelay(names);
    const card = connect(wire.ports.card, "127.0.0.1");
    // Before the other end is there: nothing may be lost.
    for (const byte of framed(Buffer.from("first"), fromGuest(question), Buffer.from("second"))) {
      card.write(Buffer.of(byte));
    }
    const network = connect(wire.ports.network, "127.0.0.1");
    try {
      assert.deepEqual(await read(network, 2), [Buffer.from("first"), Buffer.from("second")]);
      network.write(framed(lease(), Buffer.from("third")));
      assert.deepEqual(await read(card, 3), [
        answerFrame(fromGuest(question), names)!,
        nameServerAdded(lease())!,
        Buffer.from("third"),
      ]);
    } finally {
      card.destroy();
      network.destroy();
      await wire.close();
    }
  });

  it("can be closed when nobody came", async () => {
    const wire = await serveDnsRelay(names);
    await wire.close();
    const [error] = (await once(connect(wire.ports.card, "127.0.0.1"), "error")) as [Error];
    assert.match(error.message, /ECONNREFUSED/);
  });
});

function framed(...frames: Buffer[]): Buffer {
  return Buffer.concat(
    frames.flatMap((frame) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(frame.length);
      return [length, frame];
    }),
  );
}

/** So many frames, as soon as they are there. */
async function read(socket: Socket, count: number): Promise<Buffer[]> {
  let received = Buffer.alloc(0);
  for (;;) {
    const frames: Buffer[] = [];
    for (let at = 0; at + 4 <= received.length;) {
      const end = at + 4 + received.readUInt32BE(at);
      if (end > received.length) break;
      frames.push(received.subarray(at + 4, end));
      at = end;
    }
    if (frames.length >= count) return frames;
    const [bytes] = (await once(socket, "data")) as [Buffer];
    received = Buffer.concat([received, bytes]);
  }
}
