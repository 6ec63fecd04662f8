/** Downloads files. Distinguishes an unreachable server, for which callers have alternatives, from a wrong response. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { finished } from "node:stream/promises";
import { BootstrapError } from "./report.mjs";

/** The server can't be reached at all. A failure of a server that was reached is a BootstrapError. */
export class Unreachable extends Error {
  /** @override */
  name = "Unreachable";
}

const unreachableCodes = new Set([
  "EAI_AGAIN",
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "ETIMEDOUT",
  // A proxy that can't reach the server.
  "UND_ERR_ABORTED",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** How long a server may take to start its response, and how long it may pause after that. */
const patience = { answer: 5_000, pause: 30_000 };

/**
 * Whether a server responds at `url`, with any status.
 * @param {string} url
 */
export async function isReachable(url) {
  try {
    const response = await request(url, "HEAD");
    await response.body?.cancel();
    return true;
  } catch (error) {
    if (error instanceof Unreachable) return false;
    throw error;
  }
}

/**
 * @param {string} url
 * @returns {Promise<string>}
 */
export async function downloadText(url) {
  const response = await get(url);
  return await response.text();
}

/**
 * Downloads `url` to `file`, and deletes the file if its SHA-256 is not `sha256`.
 * @param {string} url
 * @param {string} file
 * @param {string} sha256
 */
export async function downloadVerified(url, file, sha256) {
  const response = await get(url);
  const hash = createHash("sha256");
  const output = createWriteStream(file);
  // `finished` below reports the error. Without a listener, it would end the process.
  output.on("error", () => undefined);
  try {
    for await (const chunk of withoutPauses(url, response)) {
      hash.update(chunk);
      if (!output.write(chunk)) await once(output, "drain");
    }
    output.end();
    await finished(output);
    const actual = hash.digest("hex");
    if (actual !== sha256) {
      throw new BootstrapError(
        "download-damaged",
        `the checksum of ${url} is wrong: SHA-256 ${actual}, but the release says ${sha256}`,
        "try again; if it is still wrong, don't use the file",
        { where: url },
      );
    }
  } catch (error) {
    output.destroy();
    await rm(file, { force: true });
    throw error;
  }
}

/**
 * @param {string} url
 * @param {Response} response
 */
async function* withoutPauses(url, response) {
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  for (;;) {
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    const stalled = new Promise((_, reject) => {
      timer = setTimeout(
        () =>
          reject(
            new BootstrapError(
              "download-interrupted",
              `${url}: no data for ${patience.pause / 1000} s`,
              "try again",
              { where: url },
            ),
          ),
        patience.pause,
      );
    });
    const part = await Promise.race([reader.read(), stalled])
      .catch((error) => {
        if (error instanceof BootstrapError) throw error;
        throw new BootstrapError(
          "download-interrupted",
          `${url}: the download was interrupted (${reason(error)})`,
          "try again",
          { where: url },
        );
      })
      .finally(() => clearTimeout(timer));
    if (part.done) return;
    yield part.value;
  }
}

/** @param {string} url */
async function get(url) {
  const response = await request(url, "GET");
  if (!response.ok) {
    await response.body?.cancel();
    throw new BootstrapError(
      "download-unreachable",
      `${url}: the server answered ${response.status} ${response.statusText}`.trimEnd(),
      undefined,
      { where: url },
    );
  }
  return response;
}

/**
 * @param {string} url
 * @param {"GET" | "HEAD"} method
 */
async function request(url, method) {
  const answer = new AbortController();
  const timer = setTimeout(() => answer.abort(), patience.answer);
  try {
    return await send(url, { method, signal: answer.signal });
  } catch (error) {
    if (answer.signal.aborted || unreachableCodes.has(codeOf(error) ?? "")) {
      throw new Unreachable(
        `${url} can't be reached (${answer.signal.aborted ? "no answer" : codeOf(error)})`,
      );
    }
    throw new BootstrapError("download-unreachable", `${url}: ${reason(error)}`, undefined, { where: url });
  } finally {
    clearTimeout(timer);
  }
}

/** Whether downloads go through a proxy, like npm's. */
export function hasProxy() {
  return ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"].some((name) => process.env[name]);
}

/**
 * Node's own fetch doesn't support proxies. undici does, once npm has installed it.
 * @param {string} url
 * @param {{ method: string, signal: AbortSignal }} options
 * @returns {Promise<Response>}
 */
async function send(url, options) {
  if (!hasProxy()) return await fetch(url, options);
  const undici = await import("undici");
  const response = await undici.fetch(url, { ...options, dispatcher: new undici.EnvHttpProxyAgent() });
  return /** @type {Response} */ (/** @type {unknown} */ (response));
}

/**
 * The system's error code. fetch puts it into the cause, which may consist of several errors, one per address.
 * @param {unknown} error
 * @returns {string | undefined}
 */
function codeOf(error) {
  if (!(error instanceof Error)) return undefined;
  if ("code" in error && typeof error.code === "string") return error.code;
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return codeOf(error.cause);
}

/** @param {unknown} error */
function reason(error) {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
