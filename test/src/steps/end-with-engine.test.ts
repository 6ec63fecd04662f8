import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parentOf } from "../../../src/steps/end-with-engine.ts";
import { endedProcess, isRunning, waitUntil } from "../../helpers/processes.ts";

const projectRoot = resolve(import.meta.dirname, "../../..");
const library = pathToFileURL(join(projectRoot, "src/steps/end-with-engine.ts")).href;

describe("ending with the engine", function () {
  this.timeout(30_000);

  it("knows the parent of a process, and that one is not there", () => {
    assert.equal(parentOf(process.pid), process.ppid);
    assert.equal(parentOf(endedProcess()), undefined);
  });

  it("ends a step whose engine was killed, although the plugin between them lives on", async () => {
    const step = `import { endWithEngine } from "${library}"; endWithEngine();
      console.log(process.pid); setTimeout(() => {}, 25_000);`;
    const plugin = `require("node:child_process").spawn(process.execPath,
      ["--input-type=module", "-e", process.env.STEP], { stdio: "inherit" });
      console.log(process.pid); setTimeout(() => {}, 25_000);`;
    const engine = spawn("sh", ["-c", '"$NODE" -e "$PLUGIN" & wait'], {
      cwd: projectRoot,
      env: { ...process.env, NODE: process.execPath, PLUGIN: plugin, STEP: step },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let printed = "";
    engine.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text));
    await waitUntil("plugin and step run", () => printed.split("\n").length === 3, 20);
    const [pluginId, stepId] = printed.trim().split("\n").map(Number);
    try {
      engine.kill("SIGKILL");
      await once(engine, "exit");
      await waitUntil("the step is gone", () => !isRunning(stepId!), 5);
      assert.ok(isRunning(pluginId!));
    } finally {
      for (const pid of [pluginId!, stepId!]) if (isRunning(pid)) process.kill(pid, "SIGKILL");
    }
  });
});
