/** Why a disk or an image's file is not to be believed. `message` says what was found; callers add where. */
export class FormatError extends Error {
  override readonly name = "FormatError";
}
