/** Builds the schema of a stack's settings file. */
import { z } from "zod";

/**
 * The schema of a stack's settings file, for editors: a program's settings in their namespace, plus anything that Pulumi and its
 * providers keep there.
 * @param namespace prefix of the settings' keys, usually the name of the Pulumi project
 */
export function stackFileSchema<Shape extends z.ZodRawShape>(
  namespace: string,
  settings: z.ZodObject<Shape>,
  meta: { title: string; description: string },
): z.ZodType {
  const entries = Object.entries<z.core.SomeType>(settings.shape);
  const config = Object.fromEntries(entries.map(([key, type]) => [`${namespace}:${key}`, type]));
  return z.looseObject({ config: z.looseObject(config) }).meta(meta);
}
