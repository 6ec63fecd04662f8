import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { answerQuestion } from "../../../src/boot-test/name-server.ts";

describe("a guest's name server", () => {
  /** Asks with Node's own resolver. */
  async function ask<T>(question: (resolver: Resolver) => Promise<T>): Promise<T> {
    const udp = createSocket("udp4");
    await new Promise<void>((resolve) => udp.bind(0, "127.0.0.1", resolve));
    udp.on("message", (message, from) => {
      const answer = answerQuestion(message, { "metadata.google.internal": "169.254.169.254" });
      udp.send(answer!, from.port, from.address);
    });
    const resolver = new Resolver({ timeout: 2_000, tries: 1 });
    resolver.setServers([`127.0.0.1:${udp.address().port}`]);
    try {
      return await question(resolver);
    } finally {
      udp.close();
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

  it("has no answer to what is no question", () => {
    const question = Buffer.from("00010100000100000000000001780000010001", "hex");
    assert.equal(answerQuestion(question.subarray(0, 14), {}), undefined);
    assert.equal(answerQuestion(Buffer.from("0001010000010000000000003f78", "hex"), {}), undefined);
    question.set([0x81], 2);
    assert.equal(answerQuestion(question, {}), undefined, "an answer");
  });
});
