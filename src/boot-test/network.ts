import { guestForward } from "../builder/guest.ts";
import type { DnsRelayPorts } from "./dns-relay.ts";

/** What a guest gets by DHCP, and who gives it, where it has metadata services. */
export const guestAddress = "168.0.0.15";
export const hostAddress = "168.0.0.2";

/** Where it has none: QEMU's own. */
export const plainHostAddress = "10.0.2.2";

/**
 * The network of a booted image: SSH comes in on a port of this host's loopback, the metadata services are reached at
 * their addresses in the cloud, and `restrict` keeps everything else out of reach. QEMU forwards only addresses inside the
 * guest's network, so that one is wide enough for 168.63.129.16 (Azure's second service) and 169.254.169.254.
 * @param services address in the cloud → port on this host's loopback
 * @param wire what the card `net` and that network are connected by
 */
export function networkArguments(
  sshPort: number,
  services: ReadonlyMap<string, number>,
  wire: DnsRelayPorts,
): string[] {
  const range =
    services.size === 0
      ? []
      : [`net=168.0.0.0/7,host=${hostAddress},dns=168.0.0.3,dhcpstart=${guestAddress}`];
  const forwards = [...services].map(([address, port]) => guestForward(address, port));
  const options = ["restrict=on,ipv6=off", ...range, `hostfwd=tcp:127.0.0.1:${sshPort}-:22`, ...forwards];
  return [
    "-netdev",
    `socket,id=net,connect=127.0.0.1:${wire.card}`,
    // A network ends at a card or at a hub: this hub has two ports and nothing else to do.
    "-netdev",
    `user,id=user,${options.join(",")}`,
    "-netdev",
    "hubport,id=hub-user,hubid=0,netdev=user",
    "-netdev",
    `socket,id=wire,connect=127.0.0.1:${wire.network}`,
    "-netdev",
    "hubport,id=hub-wire,hubid=0,netdev=wire",
  ];
}
