/** The time stamp of an image's content. */
import type { Variant } from "./variant.ts";

/** The time of every file in an image, in seconds since 1970: midnight UTC of its release's day. */
export function releaseTime({ releaseDate }: Pick<Variant, "releaseDate">): number {
  return Date.parse(`${releaseDate}T00:00:00Z`) / 1000;
}
