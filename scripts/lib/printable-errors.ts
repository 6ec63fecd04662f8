/**
 * Imported first by the Pulumi program, for its effect: makes errors print in no time.
 *
 * Pulumi prints an uncaught error by Node's `util.inspect` with colours, and Node 20 takes a minute of a full core for
 * a stack line with `/node_modules/@pulumi/` in it (measured with 20.20; 50 to 95 s an error).
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
