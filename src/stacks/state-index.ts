/** An index of a stack's state, for lookups. Pure. */
import { isComplete, nameOf, type StateResource } from "./state.ts";

/** The type of every tracked command. */
export const commandType = "command:local:Command";

const imageType = "alpine:index:ImageVariant";

/** The key of a resource in sets and maps: `TYPE NAME`. */
export const idOf = (type: string, name: string): string => `${type} ${name}`;

/** Leaves out incomplete resources, and replaced ones that are not deleted yet. */
export class StateIndex {
  readonly #byId = new Map<string, StateResource>();
  /** Keys of the images in the state, declared or not. */
  readonly imageKeys: string[];

  constructor(resources: readonly StateResource[]) {
    const named = resources.filter(isComplete).map((resource) => ({ name: nameOf(resource.urn), resource }));
    for (const { name, resource } of named) this.#byId.set(idOf(resource.type, name), resource);
    this.imageKeys = this.namesOf([imageType]);
  }

  /** The names of the resources of these types. */
  namesOf(types: readonly string[]): string[] {
    return [...this.#byId].flatMap(([id, { type }]) =>
      types.includes(type) ? [id.slice(type.length + 1)] : [],
    );
  }

  find(type: string, name: string): StateResource | undefined {
    return this.#byId.get(idOf(type, name));
  }

  has(type: string, name: string): boolean {
    return this.#byId.has(idOf(type, name));
  }

  /**
   * The names of resources that an image or a line should not have.
   * @param key the key of the image or line
   * @param types types of resources that count, besides commands
   * @param expected `TYPE NAME` of the resources that it should have
   */
  leftOver(key: string, types: readonly string[], expected: readonly string[]): string[] {
    const isPart = (name: string) => name === key || name.startsWith(`${key}-`);
    return [...this.#byId].flatMap(([id, { type }]) => {
      const name = id.slice(type.length + 1);
      const counts = type === commandType || types.includes(type);
      return counts && isPart(name) && !expected.includes(id) ? [name] : [];
    });
  }

  /** The last inputs of steps, without those of steps that never ran. */
  inputsOf<Input>(...names: string[]): Partial<Input>[] {
    return names.flatMap((name) => {
      const { environment } = this.#byId.get(idOf(commandType, name))?.inputs ?? {};
      const text = (environment as Record<string, unknown> | undefined)?.["ALPINE_STEP_INPUT"];
      return typeof text === "string" ? [JSON.parse(text) as Partial<Input>] : [];
    });
  }
}
