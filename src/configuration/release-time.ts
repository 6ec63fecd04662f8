import type { Variant } from "./variant.ts";

/** The time of everything in an image, in seconds since 1970: midnight UTC of the day that its release came out. */
export function releaseTime({ releaseDate }: Pick<Variant, "releaseDate">): number {
  return Date.parse(`${releaseDate}T00:00:00Z`) / 1000;
}
