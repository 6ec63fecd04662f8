/** `node test/doubles/aws/http/main.ts --dir FOLDER [--port PORT]`: serves the cloud until it is stopped. */
import { Command } from "commander";
import { endpointVariables } from "./endpoints.ts";
import { serveCloud } from "./server.ts";

const command = new Command()
  .requiredOption("--dir <folder>", "the emulator's folder")
  .option("--port <port>", "a port on loopback; by default any free one")
  .parse();
const { dir, port } = command.opts<{ dir: string; port?: string }>();
const { url } = await serveCloud(dir, { port: Number(port ?? 0) });
for (const [name, value] of Object.entries(endpointVariables(url))) console.log(`export ${name}=${value}`);
