/** What all clouds' metadata services have in common. */

/** What a cloud tells an instance about itself. */
export interface Instance {
  /** Letters, digits and hyphens. */
  id: string;
  /** Without a domain. Clouds whose host names have one add it. */
  hostname: string;
  /** The user that may log in with the key. */
  login: string;
  /** In OpenSSH's one-line form. */
  sshPublicKey: string;
  /** As the user wrote it. Its first line says what kind it is. */
  userData?: string;
}

/** A request to a service. */
export interface MetadataRequest {
  method: string;
  /** Without the query. */
  path: string;
  query: URLSearchParams;
  /** By lowercase name. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface MetadataResponse {
  status: number;
  headers?: Record<string, string>;
  body: string;
}

/** A cloud's metadata service, independent of sockets. */
export type MetadataHandler = (request: MetadataRequest) => MetadataResponse;

/** An instance's data as clouds structure it: a tree of names, with texts, numbers and lists as values. */
export type MetadataTree = string | number | boolean | MetadataTree[] | { [name: string]: MetadataTree };

/** The part of a tree at a path; undefined if the path does not exist. */
export function findPart(tree: MetadataTree, names: readonly string[]): MetadataTree | undefined {
  let part: MetadataTree | undefined = tree;
  for (const name of names) {
    if (typeof part !== "object" || !Object.hasOwn(part, name)) return undefined;
    part = (part as Record<string, MetadataTree>)[name];
  }
  return part;
}

/** The names in a part of a tree, one per line. Names of subtrees end with a slash. */
export function listing(part: object): string {
  return Object.entries(part)
    .map(([name, value]) => (typeof value === "object" ? `${name}/` : name))
    .join("\n");
}

/** The names in a path, without empty ones. */
export function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "");
}

/** A plain text response. */
export function text(status: number, body: string, headers: Record<string, string> = {}): MetadataResponse {
  return { status, headers: { "content-type": "text/plain; charset=utf-8", ...headers }, body };
}

/** A JSON response. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}): MetadataResponse {
  return { status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) };
}
