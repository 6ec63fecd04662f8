/**
 * Skips stack traces that nobody reads, and makes errors print fast. `Pulumi.yaml` makes Node import this file before the program.
 *
 * Pulumi's SDK captures a stack trace for each of the four promises of every property of every resource, to name promises that
 * never settle (`PULUMI_DEBUG_PROMISE_LEAKS`). It captures another for every resource, and writes it to the state. Formatting them
 * with source maps took more than half of the time of a preview of 1,200 resources, and half of the program's memory. They also
 * made up a fifth of the state, with paths of one checkout and positions that match no file.
 *
 * Pulumi prints an uncaught error with Node's `util.inspect` in color. For a stack line with `/node_modules/@pulumi/resource.ts`,
 * Node 20.20 then loops until its text is too long for a string: 50 to 95 s and 2.5 GB per error.
 */
const original = Error.prepareStackTrace?.bind(Error);

/** The SDK's functions that capture stack traces: in `debuggable.ts`, and `Resource.callsites`. */
const unread = process.env.PULUMI_DEBUG_PROMISE_LEAKS ? ["callsites"] : ["callsites", "debuggablePromise"];

Error.prepareStackTrace = (error, frames) => {
  if (unread.includes(frames[0]?.getFunctionName() ?? "")) return "";
  const stack = original === undefined ? plainStack(error, frames) : String(original(error, frames));
  return stack.replaceAll("/node_modules/@pulumi/", "/@pulumi/");
};

/** V8's default format of a stack trace. */
function plainStack(error: Error, frames: NodeJS.CallSite[]): string {
  // eslint-disable-next-line @typescript-eslint/no-base-to-string -- a CallSite has a toString, but its type does not
  return [String(error), ...frames.map((frame) => `    at ${frame.toString()}`)].join("\n");
}
