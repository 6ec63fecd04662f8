/** What the metadata services of all clouds have in common. */

/** What a cloud tells an instance of itself. */
export interface Instance {
  /** Letters, digits and hyphens. */
  id: string;
  /** Without a domain; clouds that give names with one add theirs. */
  hostname: string;
  /** The user that may log in with the key. */
  login: string;
  /** In OpenSSH's one-line form. */
  sshPublicKey: string;
  /** As the user wrote it, the first line says of what kind. */
  userData?: string;
}

/** A request as a service sees it. */
export interface MetadataRequest {
  method: string;
  /** Without the query. */
  path: string;
  query: URLSearchParams;
  /** By name in small letters. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface MetadataResponse {
  status: number;
  headers?: Record<string, string>;
  body: string;
}

/** A cloud's metadata service: it knows nothing of sockets. */
export type MetadataHandler = (request: MetadataRequest) => MetadataResponse;

/** An instance's data as clouds order them: names to texts, numbers, lists, or further such trees. */
export type MetadataTree = string | number | boolean | MetadataTree[] | { [name: string]: MetadataTree };

/** The part of a tree that a path leads to; undefined where it leads nowhere. */
export function findPart(tree: MetadataTree, names: readonly string[]): MetadataTree | undefined {
  let part: MetadataTree | undefined = tree;
  for (const name of names) {
    if (typeof part !== "object" || !Object.hasOwn(part, name)) return undefined;
    part = (part as Record<string, MetadataTree>)[name];
  }
  return part;
}

/** The names in a part of a tree, those of parts with further ones with a slash. */
export function listing(part: object): string {
  return Object.entries(part)
    .map(([name, value]) => (typeof value === "object" ? `${name}/` : name))
    .join("\n");
}

/** The names of a path, those between two slashes too that have nothing between them. */
export function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "");
}

/** An answer of text. */
export function text(status: number, body: string, headers: Record<string, string> = {}): MetadataResponse {
  return { status, headers: { "content-type": "text/plain; charset=utf-8", ...headers }, body };
}

/** An answer of JSON. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}): MetadataResponse {
  return { status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) };
}
