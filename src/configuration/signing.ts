/** Whether an image is signed, and by what. */
import type { StackSettings } from "./settings.ts";
import { isAtLeast, type Stage, type Variant } from "./variant.ts";

/** What signs an image at its stage; undefined where nothing does. */
export function signingCommandOf(
  { signingCommand }: Variant,
  stage: Stage,
  { disable }: Pick<StackSettings, "disable">,
): string | undefined {
  return isAtLeast(stage, "sign") && !disable.includes("sign") ? signingCommand : undefined;
}
