import assert from "node:assert/strict";

describe("printable errors", () => {
  const before = Object.getOwnPropertyDescriptor(Error, "prepareStackTrace");
  after(() => {
    if (before === undefined) Reflect.deleteProperty(Error, "prepareStackTrace");
    else Object.defineProperty(Error, "prepareStackTrace", before);
  });

  it("have a stack, but for those that Pulumi makes of every property of every resource", async () => {
    await import("../../../scripts/lib/printable-errors.ts");
    const debuggablePromise = (): string | undefined => new Error().stack;
    assert.equal(debuggablePromise(), "");
    const mistake = (): string | undefined => new Error("a mistake").stack;
    assert.match(mistake() ?? "", /^Error: a mistake\n +at mistake \(.*printable-errors\.test\.ts:\d+/);
  });

  it("do without stack lines that Node's inspect can't print", () => {
    const error = new Error("a mistake");
    const line = (file: string) => ({ toString: () => `f (${file}:1:1)`, getFunctionName: () => "f" });
    const frames = [line("/p/node_modules/@pulumi/pulumi/resource.ts")] as unknown as NodeJS.CallSite[];
    assert.equal(String(Error.prepareStackTrace?.(error, frames)).includes("/node_modules/@pulumi/"), false);
  });
});
