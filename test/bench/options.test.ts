import assert from "node:assert/strict";
import { between, readIsolations } from "../../bench/options.ts";
import { throwsError } from "../helpers/errors.ts";

describe("options of benchmarks", () => {
  it("name isolations with commas between, each once", () => {
    assert.deepEqual(readIsolations("vm,namespace"), ["vm", "namespace"]);
    assert.deepEqual(readIsolations("namespace, vm,namespace"), ["namespace", "vm"]);
    for (const wrong of ["", "vm,", "docker"])
      throwsError(() => readIsolations(wrong), { code: "usage", where: "--isolation" });
  });

  it("are whole numbers within limits", () => {
    assert.equal(between(1, 5, "--runs", "3"), 3);
    for (const wrong of ["0", "6", "2.5", "many"])
      throwsError(() => between(1, 5, "--runs", wrong), { code: "usage", where: "--runs" });
  });
});
