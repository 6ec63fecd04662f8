// Listens on a port of the network namespace that this program runs in, and hands the listening socket to its parent, which
// answers from where it is. So a guest without any network reaches that one service, and nobody else does.
import { createServer } from "node:net";

const server = createServer().listen({ host: "127.0.0.1", port: Number(process.argv[2]) }, () => {
  process.send?.("listening", server, () => process.exit());
});
