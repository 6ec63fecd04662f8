/**
 * The first version number in a text such as `v3.259.0` or `QEMU emulator version 7.2.22 (Debian …)`. A missing patch
 * number is 0. Suffixes (`-alpha.1`) are ignored.
 * @param {string} text
 * @returns {string | undefined}
 */
export function versionIn(text) {
  const match = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  return match ? `${match[1]}.${match[2]}.${match[3] ?? "0"}` : undefined;
}

/**
 * Negative if `left` is older, positive if it is newer, 0 if they are the same.
 * @param {string} left
 * @param {string} right
 */
export function compareVersions(left, right) {
  const [a, b] = [left, right].map((text) => (versionIn(text) ?? "0.0.0").split(".").map(Number));
  const difference = [0, 1, 2].map((index) => (a?.[index] ?? 0) - (b?.[index] ?? 0));
  return difference.find((part) => part !== 0) ?? 0;
}
