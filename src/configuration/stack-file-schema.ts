import { z } from "zod";

/**
 * The schema of a stack's settings file, for editors: a program's own settings in their namespace, and whatever else Pulumi and
 * providers keep there.
 * @param namespace what the settings' keys begin with: the Pulumi project's name, mostly
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
