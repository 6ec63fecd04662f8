// Joins stdin and stdout to a TCP port of this host's loopback: `node stdio-to-tcp.mjs PORT`.
// QEMU starts one of these for each connection a guest makes to a forwarded address (guestfwd … -cmd:), so that a
// guest under restrict=on reaches that port and nothing else of the host.
import { connect } from "node:net";

const socket = connect(Number(process.argv[2]), "127.0.0.1");
process.stdin.pipe(socket);
socket.pipe(process.stdout);
socket.on("error", () => process.exit(1));
socket.on("close", () => process.exit(0));
