// Connects stdin and stdout to a TCP port on this host's loopback: `node stdio-to-tcp.mjs PORT`.
// QEMU starts this program for each connection that a guest makes to a forwarded address (guestfwd … -cmd:), so a
// guest under restrict=on can reach that port and nothing else on the host.
import { connect } from "node:net";

const socket = connect(Number(process.argv[2]), "127.0.0.1");
process.stdin.pipe(socket);
socket.pipe(process.stdout);
socket.on("error", () => process.exit(1));
socket.on("close", () => process.exit(0));
