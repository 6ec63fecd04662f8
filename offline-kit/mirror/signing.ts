import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  type KeyObject,
} from "node:crypto";
import { chmod, mkdir, readFile, readdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { writeTar } from "./tar.ts";

const compress = promisify(gzip);

/** The throwaway key of this machine. `name` is the public key's file name: apk finds a key by it. */
export interface SigningKey {
  name: string;
  privateKey: KeyObject;
  publicPem: string;
}

/**
 * The gzip member that signs what follows it, as abuild-sign writes it: a tar with one file, whose name holds the
 * key's name. RSA with SHA-1 is what Alpine 3.23 itself signs v2 packages and indexes with.
 */
export async function signedMember(content: Buffer, key: SigningKey, modified: number): Promise<Buffer> {
  const signature = sign("sha1", content, key.privateKey);
  const entry = {
    kind: "file",
    path: `.SIGN.RSA.${key.name}`,
    mode: 0o644,
    uid: 0,
    gid: 0,
    content: signature,
  } as const;
  return compress(await writeTar([entry], { modified, unterminated: true }));
}

/** Makes a new key in memory. */
export function createKey(): SigningKey {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 4096 });
  return keyFromPem(privateKey.export({ type: "pkcs8", format: "pem" }).toString());
}

function keyFromPem(pem: string): SigningKey {
  const privateKey = createPrivateKey(pem);
  const publicPem = createPublicKey(privateKey).export({ type: "spki", format: "pem" }).toString();
  const id = createHash("sha256").update(publicPem).digest("hex").slice(0, 8);
  return { name: `offline-kit@localhost-${id}.rsa.pub`, privateKey, publicPem };
}

/** The machine's key in `directory`, made at the first call. The directory must not be one that is served. */
export async function loadOrCreateKey(directory: string): Promise<SigningKey> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const known = (await readdir(directory)).find((name) => name.endsWith(".rsa"));
  if (known !== undefined) return keyFromPem(await readFile(join(directory, known), "utf8"));
  const key = createKey();
  const path = join(directory, key.name.replace(/\.pub$/, ""));
  const pem = key.privateKey.export({ type: "pkcs8", format: "pem" });
  await writeFile(`${path}.new`, pem, { mode: 0o600 });
  await chmod(`${path}.new`, 0o600);
  await rename(`${path}.new`, path);
  return key;
}
