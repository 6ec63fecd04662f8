/** Decides whether an image is signed, and by which command. */
import type { StackSettings } from "./settings.ts";
import { isAtLeast, type Stage, type Variant } from "./variant.ts";

/** The command that signs an image at its stage; undefined if the image is not signed. */
export function signingCommandOf(
  { signingCommand }: Variant,
  stage: Stage,
  { disable }: Pick<StackSettings, "disable">,
): string | undefined {
  return isAtLeast(stage, "sign") && !disable.includes("sign") ? signingCommand : undefined;
}
