import assert from "node:assert/strict";
import { isLoopback } from "../../../../clouds/aws/api/clients.ts";
import { awsFaultKind, codesOf, withAwsErrors } from "../../../../clouds/aws/api/errors.ts";
import { rejectsWith } from "../../../helpers/errors.ts";

/** As the SDK throws it. */
function fault(name: string, message: string, extra: object = {}): Error {
  return Object.assign(new Error(message), { name }, extra);
}

describe("AWS's errors", () => {
  it("are told apart by code, by the network's code, and by status where there is no text", () => {
    assert.equal(awsFaultKind(fault("ExpiredToken", "x")), "expired");
    assert.equal(awsFaultKind(fault("Error", "x", { code: "ECONNRESET" })), "unreachable");
    assert.equal(awsFaultKind(fault("Unknown", "", { $metadata: { httpStatusCode: 403 } })), "denied");
    assert.equal(awsFaultKind(fault("SlowDown", "x", { $metadata: { httpStatusCode: 503 } })), "throttled");
    assert.equal(awsFaultKind(fault("TypeError", "x is not a function")), undefined);
    assert.deepEqual(codesOf("text"), []);
  });

  it("say what was being done, why not, and what to do", async () => {
    const denied = fault("AccessDenied", "s3:PutObject is not allowed");
    await rejectsWith(
      withAwsErrors("upload x", () => Promise.reject(denied)),
      {
        code: "aws-denied",
        where: "upload x",
        text: /^cannot upload x: s3:PutObject is not allowed \(AccessDenied\)\n {2}→ allow it in /,
      },
    );
    const moved = fault("301", "301", {
      $metadata: { httpStatusCode: 301 },
      $response: { headers: { "x-amz-bucket-region": "us-east-2" } },
    });
    await rejectsWith(
      withAwsErrors("upload x", () => Promise.reject(moved)),
      { code: "aws-region-wrong", where: "upload x", text: / 301; .* us-east-2\n/ },
    );
  });

  it("are left as they are when they are defects", async () => {
    const defect = new TypeError("x is not a function");
    await assert.rejects(
      withAwsErrors("upload x", () => Promise.reject(defect)),
      (error) => error === defect,
    );
  });
});

describe("loopback", () => {
  for (const host of ["127.0.0.1", "127.1.2.3", "localhost", "images.localhost", "::1", "[::1]"]) {
    it(`is ${host}`, () => assert.ok(isLoopback(host)));
  }
  for (const host of ["ec2.eu-west-1.amazonaws.com", "127.0.0.1.example.org", "localhost.example.org", ""]) {
    it(`is not '${host}'`, () => assert.ok(!isLoopback(host)));
  }
});
