/** QEMU's arguments for the network of a booted image. */
import { guestForward } from "../builder/vm-guest.ts";
import type { DnsRelayPorts } from "./dns-relay.ts";

/** The guest's address from DHCP, and the DHCP server's, if the guest has metadata services. */
export const guestAddress = "168.0.0.15";
export const hostAddress = "168.0.0.2";

/** The host's address if the guest has no metadata services: QEMU's default. */
export const plainHostAddress = "10.0.2.2";

/**
 * The network of a booted image. A port on this host's loopback is forwarded to SSH, the metadata services are at their
 * addresses in the cloud, and `restrict` blocks everything else. QEMU forwards only addresses inside the guest's
 * network, so the network is wide enough for 168.63.129.16 (Azure's second service) and 169.254.169.254.
 * @param services address in the cloud → port on this host's loopback
 * @param wire connects the card `net` to that network
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
    // A network can only be connected to a card or a hub, so a hub with two ports joins the two networks.
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
