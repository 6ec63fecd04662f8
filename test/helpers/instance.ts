/** Serves metadata services under test over real HTTP, on loopback. */
import { serveMetadata } from "../../src/boot-test/metadata/server.ts";
import type { Instance, MetadataHandler } from "../../src/boot-test/metadata/service.ts";

export const instance: Instance = {
  id: "image-r0",
  hostname: "test-0-bios",
  login: "alpine",
  sshPublicKey: "ssh-ed25519 AAAAC3Nz",
  userData: "#!/bin/sh\necho ä\n",
};

export interface Reply {
  status: number;
  body: string;
  headers: Headers;
}
export type Ask = (path: string, headers?: Record<string, string>, method?: string) => Promise<Reply>;

/** Serves a handler while the surrounding tests run. */
export function served(handler: () => MetadataHandler): Ask {
  let server: Awaited<ReturnType<typeof serveMetadata>>;
  before(async () => {
    server = await serveMetadata({ service: handler() });
  });
  after(() => server.close());
  return async (path, headers = {}, method = "GET") => {
    const url = `http://127.0.0.1:${server.ports.get("service")}${path}`;
    const response = await fetch(url, { method, headers, redirect: "manual" });
    return { status: response.status, body: await response.text(), headers: response.headers };
  };
}
