import assert from "node:assert/strict";
import { startProgress } from "../../../src/builder/progress.ts";

describe("progress", () => {
  const followed = (
    act: (progress: ReturnType<typeof startProgress>, pass: (seconds: number) => void) => void,
  ) => {
    const lines: string[] = [];
    let now = 5000;
    const progress = startProgress(
      "image",
      (line) => lines.push(line),
      () => now,
    );
    act(progress, (seconds) => (now += seconds * 1000));
    return { lines, seconds: progress.seconds() };
  };

  it("is short whole lines with subject, percent, time and phase", () => {
    const { lines } = followed((progress, pass) => {
      progress.phase("open repositories", 0);
      pass(9.9);
      progress.phase("install packages", 20);
      pass(75);
      progress.note("41 packages");
      pass(3600);
      progress.phase("done", 100);
    });
    assert.deepEqual(lines, [
      "image   0% 00:00 open repositories",
      "image  20% 00:09 install packages",
      "image  20% 01:24 41 packages",
      "image 100% 61:24 done",
    ]);
    for (const line of lines) assert.doesNotMatch(line, /[\r\n]/);
  });

  it("says how long each phase took, the last one until now, and one that came twice in all", () => {
    const { seconds } = followed((progress, pass) => {
      progress.phase("one", 0);
      pass(1.24);
      progress.phase("two", 0);
      pass(2);
      progress.phase("one", 0);
      pass(1);
    });
    assert.deepEqual(seconds, { one: 2.2, two: 2 });
  });

  it("goes to stderr a line at a time, never with a carriage return", () => {
    const written: string[] = [];
    const original = process.stderr.write.bind(process.stderr);
    process.stderr.write = (text: string) => written.push(text) > 0;
    try {
      startProgress("image").phase("install packages", 20);
    } finally {
      process.stderr.write = original;
    }
    assert.deepEqual(written, ["image  20% 00:00 install packages\n"]);
  });
});
