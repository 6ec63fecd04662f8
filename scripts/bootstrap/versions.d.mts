export function versionIn(text: string): string | undefined;
export function compareVersions(left: string, right: string): number;
