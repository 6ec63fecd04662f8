/** Why a disk or image file is invalid. `message` says what was found; callers add where. */
export class FormatError extends Error {
  override readonly name = "FormatError";
}
