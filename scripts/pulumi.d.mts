export interface PulumiEnvironmentOptions {
  stack?: string;
  isolatedIn?: string;
  env?: NodeJS.ProcessEnv;
  tools?: import("./bootstrap.mjs").Tools;
  project?: string;
}
export function pulumiEnvironment(options?: PulumiEnvironmentOptions): NodeJS.ProcessEnv;
export const devPassphrase: string;
export const ownBackendFolder: string;
export function stackNamedBy(arguments_: readonly string[]): string | undefined;
export function runInForeground(
  program: string,
  arguments_: readonly string[],
  env: NodeJS.ProcessEnv,
  onOutput?: (text: string) => void,
): Promise<number>;
export function pulumi(arguments_: readonly string[]): Promise<number>;
