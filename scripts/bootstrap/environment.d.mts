export function configuredBackend(environment: NodeJS.ProcessEnv, project: string): string | undefined;
export function selectedStack(environment: NodeJS.ProcessEnv, project: string): string | undefined;
