/** Checks that nothing is left on a finished disk that an image must not contain. */
import { type Check, none } from "../../lib/checks.ts";
import { releaseTime } from "../../configuration/release-time.ts";
import type { DiskFacts } from "../disk-reader/facts.ts";
import type { ExpectedDisk } from "./check-facts.ts";

/** Description → pattern of paths. An image must have none of these: each instance makes its own, or needs none. */
const leftovers: Record<string, RegExp> = {
  "SSH host keys": /^etc\/ssh\/ssh_host_/,
  "identities of a machine":
    /^(etc\/(machine-id|hostid|dhcpcd\.duid)|var\/lib\/(dbus\/machine-id|dhcpcd\/.+|seedrng\/.+|cloud\/.+))$/,
  "keys to log in as root": /^root\/\.ssh\//,
  "shell histories": /^(root|home\/[^/]+)\/\.\w*history$/,
  "name servers of the build": /^etc\/resolv\.conf$/,
  logs: /^var\/log\/./,
  "temporary files": /^(tmp|var\/tmp|run)\/./,
  "files of the build": /^(dev|proc|sys|job|mnt)\/./,
  "cached packages": /^var\/cache\/apk\/./,
  "configuration files that wait for a decision": /\.apk-(new|old)$/,
  "earlier versions of user lists": /^etc\/(passwd|group|shadow|gshadow)-$/,
};

export function cleanChecks({ paths }: DiskFacts, { variant }: ExpectedDisk): Check[] {
  const released = releaseTime(variant);
  const all = [...paths];
  return [
    ...Object.entries(leftovers).map(([what, place]) =>
      none(
        `left over: ${what}`,
        all.filter(([path, { kind }]) => kind !== "folder" && place.test(path)).map(([path]) => `/${path}`),
      ),
    ),
    none(
      "files whose time is not the release's",
      all.filter(([, { times }]) => times.some((time) => time !== released)).map(([path]) => `/${path}`),
    ),
  ];
}
