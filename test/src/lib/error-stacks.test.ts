import assert from "node:assert/strict";

describe("stacks of errors", () => {
  it("are there, but for those that Pulumi asks for at every resource and property", async () => {
    await import("../../../src/lib/error-stacks.ts");
    const debuggablePromise = (): string | undefined => new Error().stack;
    assert.equal(debuggablePromise(), "");
    class Resource {
      static callsites = (): string | undefined => new Error().stack;
    }
    assert.equal(Resource.callsites(), "");
    const mistake = (): string | undefined => new Error("a mistake").stack;
    assert.match(mistake() ?? "", /^Error: a mistake\n +at mistake \(.*error-stacks\.test\.ts:\d+/);
  });

  it("do without lines that Node's inspect can't print", () => {
    const error = new Error("a mistake");
    const line = (file: string) => ({ toString: () => `f (${file}:1:1)`, getFunctionName: () => "f" });
    const frames = [line("/p/node_modules/@pulumi/pulumi/resource.ts")] as unknown as NodeJS.CallSite[];
    assert.equal(String(Error.prepareStackTrace?.(error, frames)).includes("/node_modules/@pulumi/"), false);
  });
});
