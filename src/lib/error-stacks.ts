/**
 * `Pulumi.yaml` has Node import it before the program, for its effect: stacks that nobody reads cost nothing, and errors print in no time.
 *
 * Pulumi's SDK asks for a stack at each of the four promises that every property of every resource has, to name promises that
 * never end (`PULUMI_DEBUG_PROMISE_LEAKS`), and for the whole stack at every resource, to write it into the state. As text, by source
 * maps, they took more than half of the time of a preview of 1,200 resources, and half of the program's memory. In the
 * state they were a fifth of it, paths of one checkout and places in code that no file has.
 *
 * Pulumi prints an uncaught error by Node's `util.inspect` with colours, and Node 20.20 loops over a stack line with
 * `/node_modules/@pulumi/resource.ts` in it until its text is too long for a string: 50 to 95 s and 2.5 GB an error.
 */
const original = Error.prepareStackTrace?.bind(Error);

/** The SDK's functions that ask: `debuggable.ts`, and `Resource.callsites`. */
const unread = process.env.PULUMI_DEBUG_PROMISE_LEAKS ? ["callsites"] : ["callsites", "debuggablePromise"];

Error.prepareStackTrace = (error, frames) => {
  if (unread.includes(frames[0]?.getFunctionName() ?? "")) return "";
  const stack = original === undefined ? plainStack(error, frames) : String(original(error, frames));
  return stack.replaceAll("/node_modules/@pulumi/", "/@pulumi/");
};

/** What V8 makes of a stack when nobody asks for anything else. */
function plainStack(error: Error, frames: NodeJS.CallSite[]): string {
  // eslint-disable-next-line @typescript-eslint/no-base-to-string -- a CallSite has a toString, its type has not
  return [String(error), ...frames.map((frame) => `    at ${frame.toString()}`)].join("\n");
}
