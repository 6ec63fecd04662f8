/** `node test/doubles/aws/http/main.ts --dir FOLDER [--port PORT]`: serves the cloud until it is ended. */
import { Command } from "commander";
import { endpointVariables } from "./endpoints.ts";
import { serveCloud } from "./server.ts";

const command = new Command()
  .requiredOption("--dir <folder>", "the double's folder")
  .option("--port <port>", "a port on loopback; any free one without it")
  .parse();
const { dir, port } = command.opts<{ dir: string; port?: string }>();
const { url } = await serveCloud(dir, { port: Number(port ?? 0) });
for (const [name, value] of Object.entries(endpointVariables(url))) console.log(`export ${name}=${value}`);
