/** Shared by both stand-in plugins: reads the engine's arguments, serves gRPC on loopback, and ends with the engine. */
import * as grpc from "@grpc/grpc-js";

/** The engine sends assets and all inputs in one message. The real plugins also accept 400 MiB. */
const maximumMessageBytes = 400 * 1024 * 1024;

export const channelOptions: grpc.ChannelOptions = {
  "grpc.max_receive_message_length": maximumMessageBytes,
  "grpc.max_send_message_length": maximumMessageBytes,
};

/** How often the real plugins check whether the engine is still running. */
const engineCheckMilliseconds = 5 * 60 * 1000;

/**
 * The engine's address among a plugin's arguments: the last one that is neither a flag nor a flag's value.
 * The engine passes flags before it, such as `-v=9`, `--logtostderr`, `--tracing URL`.
 */
export function engineAddressFrom(arguments_: readonly string[]): string | undefined {
  const withValue = new Set(["--tracing", "-tracing", "--root", "-root"]);
  const positional = arguments_.filter(
    (argument, index) => !argument.startsWith("-") && !withValue.has(arguments_[index - 1] ?? ""),
  );
  return positional.at(-1);
}

/** Serves on a free loopback port and prints the port on a line, which the engine waits for. */
export async function serve(server: grpc.Server): Promise<void> {
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  process.stdout.write(`${port}\n`);
}

/** Ends the process when the engine requests it (SIGINT) or is gone. Running calls finish first. */
export function endGracefully(server: grpc.Server): () => void {
  const end = (): void => server.tryShutdown(() => process.exit(0));
  process.on("SIGINT", end);
  return end;
}

/** Calls `onLost` if the engine no longer answers, so that no plugin outlives a killed engine. */
export function watchEngine(address: string, onLost: () => void, interval = engineCheckMilliseconds): void {
  const client = new grpc.Client(address, grpc.credentials.createInsecure(), channelOptions);
  const empty = (): Buffer => Buffer.alloc(0);
  const timer = setInterval(() => {
    client.makeUnaryRequest(
      "/grpc.health.v1.Health/Check",
      empty,
      (bytes) => bytes,
      null,
      (error) => {
        // An engine without the health service has still answered.
        if (error && error.code !== grpc.status.UNIMPLEMENTED) {
          clearInterval(timer);
          onLost();
        }
      },
    );
  }, interval);
  timer.unref();
}

/** Makes an RPC handler from an async function. What it throws becomes the RPC's error, with the same code. */
export function unary<Request, Response>(
  handle: (request: Request, call: grpc.ServerUnaryCall<Request, Response>) => Promise<Response> | Response,
): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => {
    Promise.resolve()
      .then(() => handle(call.request, call))
      .then(
        (response) => callback(null, response),
        (error: unknown) => callback(asServiceError(error)),
      );
  };
}

function asServiceError(error: unknown): Partial<grpc.ServiceError> {
  if (error instanceof Error && "code" in error && typeof error.code === "number") {
    return error as Partial<grpc.ServiceError>;
  }
  return { code: grpc.status.UNKNOWN, details: error instanceof Error ? error.message : String(error) };
}

/** The error for features that only the real plugin has. */
export function notInStandIn(what: string, instead: string): Partial<grpc.ServiceError> & Error {
  const details = `the offline stand-in does not support ${what}; ${instead}`;
  return Object.assign(new Error(details), { code: grpc.status.UNIMPLEMENTED, details });
}
