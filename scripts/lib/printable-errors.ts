/**
 * Imported first by the Pulumi program, for its effect: makes errors print in no time.
 *
 * Pulumi prints an uncaught error by Node's `util.inspect` with colours, and Node 20.20 loops over a stack line with
 * `/node_modules/@pulumi/resource.ts` in it until its text is too long for a string: 50 to 95 s and 2.5 GB an error.
 */
const original = Error.prepareStackTrace?.bind(Error);

Error.prepareStackTrace = (error, frames) => {
  const stack = original === undefined ? plainStack(error, frames) : String(original(error, frames));
  return stack.replaceAll("/node_modules/@pulumi/", "/@pulumi/");
};

/** What V8 makes of a stack when nobody asks for anything else. */
function plainStack(error: Error, frames: NodeJS.CallSite[]): string {
  // eslint-disable-next-line @typescript-eslint/no-base-to-string -- a CallSite has a toString, its type has not
  return [String(error), ...frames.map((frame) => `    at ${frame.toString()}`)].join("\n");
}
