/** Servers and ports on the loopback interface. */
import { createServer, type AddressInfo, type Server } from "node:net";
import { UserError } from "./user-error.ts";

/** Makes a server listen on a free port of the loopback interface only. @returns the port */
export async function listenOnLoopback(server: Server): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) =>
      reject(
        new UserError("loopback-unavailable", `cannot listen on 127.0.0.1: ${error.message}`, undefined, {
          where: "127.0.0.1",
        }),
      ),
    );
    server.listen(0, "127.0.0.1", resolve);
  });
  return (server.address() as AddressInfo).port;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listenOnLoopback(server);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
