/** Reads SSH host keys. */
import { createHash } from "node:crypto";

/** The raw key from `TYPE BASE64 [COMMENT]`, as it is sent over the wire. */
export function hostKeyBlob(hostKey: string): Buffer {
  return Buffer.from(hostKey.split(" ")[1] ?? "", "base64");
}

/** As OpenSSH prints it: `SHA256:` and 43 characters. */
export function fingerprint(blob: Buffer): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** Signature algorithms for the type of the pinned key. A host has keys of several types; this selects the pinned one. */
export function hostKeyAlgorithms(hostKey: string): string[] {
  const type = hostKey.split(" ")[0]!;
  return type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256"] : [type];
}
