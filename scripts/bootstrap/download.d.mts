export class Unreachable extends Error {}
export function isReachable(url: string): Promise<boolean>;
export function downloadText(url: string): Promise<string>;
export function downloadVerified(url: string, file: string, sha256: string): Promise<void>;
