/** A proxy on loopback, which can inspect and change what passes. */
import { createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from "node:http";
import { listenOnLoopback } from "../../src/lib/loopback.ts";

export interface Exchange {
  method: string;
  /** Path and query. */
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface Answer {
  status: number;
  headers: OutgoingHttpHeaders;
  body: Buffer | string;
}

/** Responds in place of the server behind it, or passes the exchange on, possibly changed. `undefined` breaks the connection. */
export type Handler = (
  exchange: Exchange,
  passOn: (changed?: Partial<Exchange>) => Promise<Answer>,
) => Promise<Answer | undefined>;

export interface Proxy {
  url: string;
  close(): void;
}

export async function startProxy(target: string, handler: Handler): Promise<Proxy> {
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const path = incoming.url ?? "/";
      const exchange = {
        method: incoming.method ?? "GET",
        path,
        query: new URL(path, target).searchParams,
        headers: incoming.headers,
        body: await all(incoming),
      };
      const answer = await handler(exchange, (changed) => forward(target, { ...exchange, ...changed }));
      if (answer === undefined) return incoming.socket.destroy();
      const length = answer.body.length > 0 ? { "content-length": Buffer.byteLength(answer.body) } : {};
      return outgoing.writeHead(answer.status, { ...answer.headers, ...length }).end(answer.body);
    })().catch((error: unknown) => outgoing.destroy(error as Error));
  });
  const port = await listenOnLoopback(server);
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${port}`, close };
}

async function forward(target: string, { method, path, headers, body }: Exchange): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const onward = request(new URL(path, target), { method, headers }, (answer) => {
      const kept = { ...answer.headers };
      // Connection headers apply to one connection only.
      for (const name of ["connection", "transfer-encoding"]) delete kept[name];
      all(answer).then((body) => resolve({ status: answer.statusCode ?? 500, headers: kept, body }), reject);
    });
    onward.on("error", reject).end(body);
  });
}

async function all(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
