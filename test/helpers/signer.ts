/** A program that really signs `{file}` into `{file}.asc`, with a throwaway key and Node's own cryptography. */
import { createPublicKey, generateKeyPairSync, type KeyObject, verify } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "./temporary.ts";

export interface Signer {
  /** For `signingCommand`. */
  command: string;
  /** Whether a signature of a file is this signer's. */
  isSigned(file: string, signature?: string): boolean;
}

/** @param ending what the program does after signing, as JavaScript */
export function someSigner(ending = ""): Signer {
  const folder = temporaryFolder();
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  writeFileSync(join(folder, "key.pem"), privateKey.export({ type: "pkcs8", format: "pem" }));
  const program = join(folder, "sign.cjs");
  writeFileSync(
    program,
    `const { sign } = require("node:crypto");
const { readFileSync, writeFileSync } = require("node:fs");
const [file, signature] = process.argv.slice(2);
const key = readFileSync(${JSON.stringify(join(folder, "key.pem"))});
writeFileSync(signature, sign(null, readFileSync(file), key).toString("base64"));
${ending}
`,
  );
  const key: KeyObject = createPublicKey(publicKey.export({ type: "spki", format: "pem" }));
  return {
    command: `node ${program} {file} {file}.asc`,
    isSigned: (file, signature = `${file}.asc`) =>
      verify(null, readFileSync(file), key, Buffer.from(readFileSync(signature, "utf8"), "base64")),
  };
}
