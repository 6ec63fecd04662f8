export interface Plugin {
  kind: "real" | "stand-in";
  path: string;
  found: string;
}
export interface Tools {
  format: 1;
  pulumi: { path: string; version: string; origin: "PATH" | "downloaded" | "built" };
  plugins: { "language-nodejs": Plugin; "resource-command": Plugin };
  path: { prepend: string[]; append: string[] };
  versions: Record<string, string>;
  seen: Record<string, { stamp: string; version: string }>;
}
export function bootstrap(options?: {
  tests?: boolean;
  offlineKit?: boolean;
  refresh?: boolean;
}): Promise<Tools>;
export function withErrorsShown(main: () => Promise<void>): Promise<void>;
