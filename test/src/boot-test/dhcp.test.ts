import assert from "node:assert/strict";
import { withNameServer } from "../../../src/boot-test/dhcp.ts";

const address = Buffer.from([168, 0, 0, 2]);

/** A server's message with these options, as long as a message at least is. */
function offer(...options: number[]): Buffer {
  const message = Buffer.alloc(300);
  message.set([2, 1, 6, 0], 0);
  message.set([99, 130, 83, 99, ...options], 236);
  return message;
}

describe("what DHCP leases", () => {
  const given = [53, 1, 2, 0, 54, 4, 168, 0, 0, 2];

  it("names the name server, after all else", () => {
    assert.deepEqual(withNameServer(offer(...given, 255), address), offer(...given, 6, 4, 168, 0, 0, 2, 255));
  });

  it("may get longer by that", () => {
    // A host name fills the message to its last byte.
    const longer = withNameServer(offer(...given, 12, 47, ...Array<number>(47).fill(120), 255), address)!;
    assert.equal(longer.length, 306);
    assert.deepEqual([...longer.subarray(-7)], [6, 4, 168, 0, 0, 2, 255]);
  });

  it("stays as it is where it names one, has no end, or is no DHCP", () => {
    assert.equal(withNameServer(offer(...given, 6, 4, 1, 1, 1, 1, 255), address), undefined);
    assert.equal(withNameServer(offer(53, 1, 2, 12, 250, 255), address), undefined);
    assert.equal(withNameServer(Buffer.alloc(300), address), undefined);
    assert.equal(withNameServer(Buffer.alloc(12), address), undefined);
  });
});
