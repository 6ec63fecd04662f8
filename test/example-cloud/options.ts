/** The layer field and the stack setting of the example cloud. */
import { z } from "zod";
import type { StackSettings } from "../../src/configuration/settings.ts";

export const exampleOptions = z
  .strictObject({ shape: z.enum(["small", "large"]).default("small").describe("the shape to boot on") })
  .describe("what the example cloud must know of an image");

export const exampleSettings = z
  .strictObject({ folder: z.string().default("").describe("the folder that is the cloud's account") })
  .describe("the account of the example cloud");

export function folderOf({ clouds }: Pick<StackSettings, "clouds">): string {
  return exampleSettings.parse(clouds["example"]).folder;
}
