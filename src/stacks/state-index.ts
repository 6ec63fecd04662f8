/** A stack's state, to look things up in. Pure. */
import { isComplete, nameOf, type StateResource } from "./state.ts";

/** The type of every tracked command. */
export const commandType = "command:local:Command";

const imageType = "alpine:index:ImageVariant";

/** As a set has it. */
export const idOf = (type: string, name: string): string => `${type} ${name}`;

/** What was cut off in the middle, or is replaced and not yet deleted, is not there. */
export class StateIndex {
  readonly #byId = new Map<string, StateResource>();
  /** Keys of the images that have something in the state, declared or not. */
  readonly imageKeys: string[];

  constructor(resources: readonly StateResource[]) {
    const named = resources.filter(isComplete).map((resource) => ({ name: nameOf(resource.urn), resource }));
    for (const { name, resource } of named) this.#byId.set(idOf(resource.type, name), resource);
    this.imageKeys = this.namesOf([imageType]);
  }

  /** Names of the resources of these types. */
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
   * Names of the resources of an image or a line, by its key, that it should not have.
   * @param types of which resources count, commands apart
   * @param expected `TYPE NAME` of those that it should have
   */
  leftOver(key: string, types: readonly string[], expected: readonly string[]): string[] {
    const isPart = (name: string) => name === key || name.startsWith(`${key}-`);
    return [...this.#byId].flatMap(([id, { type }]) => {
      const name = id.slice(type.length + 1);
      const counts = type === commandType || types.includes(type);
      return counts && isPart(name) && !expected.includes(id) ? [name] : [];
    });
  }

  /** What steps were told when they were last done; those that were never done are left out. */
  inputsOf<Input>(...names: string[]): Partial<Input>[] {
    return names.flatMap((name) => {
      const { environment } = this.#byId.get(idOf(commandType, name))?.inputs ?? {};
      const text = (environment as Record<string, unknown> | undefined)?.["ALPINE_STEP_INPUT"];
      return typeof text === "string" ? [JSON.parse(text) as Partial<Input>] : [];
    });
  }
}
