/**
 * Imported first by the Pulumi program, for its effect: stacks of errors cost nothing where nobody reads them, and print in no
 * time where somebody does.
 *
 * Pulumi's SDK asks for a stack at every one of the four promises that each property of each resource has, to name promises that
 * never end (`PULUMI_DEBUG_PROMISE_LEAKS`), and keeps it. By source maps and as text, those of 1,200 resources took more than half
 * of a preview's time, and half of its memory.
 *
 * Pulumi prints an uncaught error by Node's `util.inspect` with colours, and Node 20.20 loops over a stack line with
 * `/node_modules/@pulumi/resource.ts` in it until its text is too long for a string: 50 to 95 s and 2.5 GB an error.
 */
const original = Error.prepareStackTrace?.bind(Error);
const showsLeaks = Boolean(process.env.PULUMI_DEBUG_PROMISE_LEAKS);

Error.prepareStackTrace = (error, frames) => {
  if (!showsLeaks && frames[0]?.getFunctionName() === "debuggablePromise") return "";
  const stack = original === undefined ? plainStack(error, frames) : String(original(error, frames));
  return stack.replaceAll("/node_modules/@pulumi/", "/@pulumi/");
};

/** What V8 makes of a stack when nobody asks for anything else. */
function plainStack(error: Error, frames: NodeJS.CallSite[]): string {
  // eslint-disable-next-line @typescript-eslint/no-base-to-string -- a CallSite has a toString, its type has not
  return [String(error), ...frames.map((frame) => `    at ${frame.toString()}`)].join("\n");
}
