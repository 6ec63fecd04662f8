/** Checks that a guest cannot reach this host. */
import { createServer } from "node:net";
import { listenOnLoopback } from "../lib/loopback.ts";
import { metadataAddress } from "./metadata/address.ts";
import { hostAddress, plainHostAddress } from "./network.ts";

/** A service on this host's loopback that no guest must reach. It counts connections. */
export interface HostProbe {
  port: number;
  /** Connections so far. */
  connections(): number;
  close(): void;
}

export async function startHostProbe(): Promise<HostProbe> {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  const port = await listenOnLoopback(server);
  return { port, connections: () => connections, close: () => server.close() };
}

/**
 * Where a guest without isolation would find this host, or the metadata service of the cloud that this host itself runs
 * in: `ADDRESS:PORT`.
 * @param ownServices addresses of the guest's own metadata services
 * @param allServices addresses of all known clouds' metadata services
 */
export function forbiddenTargets(
  probePort: number,
  ownServices: readonly string[],
  allServices: readonly string[],
): string[] {
  return [
    ...[hostAddress, plainHostAddress, metadataAddress].map((address) => `${address}:${probePort}`),
    ...allServices.filter((address) => !ownServices.includes(address)).map((address) => `${address}:80`),
  ];
}
