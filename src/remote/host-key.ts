import { createHash } from "node:crypto";

/** The key itself, of `TYPE BASE64 [COMMENT]`, as it goes over the wire. */
export function hostKeyBlob(hostKey: string): Buffer {
  return Buffer.from(hostKey.split(" ")[1] ?? "", "base64");
}

/** As OpenSSH prints it: `SHA256:` and 43 characters. */
export function fingerprint(blob: Buffer): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** The signature algorithms by which a host proves to have a key of that type: a host has several, and one is pinned. */
export function hostKeyAlgorithms(hostKey: string): string[] {
  const type = hostKey.split(" ")[0]!;
  return type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256"] : [type];
}
