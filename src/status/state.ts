/** A stack's state, to look things up in. Pure. */
import { resourceTypes } from "../../clouds/aws/resource-types.ts";
import { regionalName } from "../../clouds/aws/resource-names.ts";
import type { StateResource } from "../stacks/stacks.ts";
import { stepVariables } from "../steps/step.ts";

const owners = { image: "alpine:index:ImageVariant", line: "alpine:index:Channel" } as const;

/** As a set has it. */
export const idOf = (type: string, name: string): string => `${type} ${name}`;

/** What was cut off in the middle, or is replaced and not yet deleted, is not there. */
export class State {
  readonly #byId = new Map<string, StateResource>();
  /** Keys of images and of lines that have something in the state, be they declared or not. */
  readonly imageKeys: string[];
  readonly lineKeys: string[];

  constructor(resources: readonly StateResource[]) {
    const named = resources
      .filter((resource) => (resource.initErrors ?? []).length === 0 && resource.delete !== true)
      .map((resource) => ({ name: resource.urn.split("::").at(-1)!, resource }));
    for (const { name, resource } of named) this.#byId.set(idOf(resource.type, name), resource);
    const namesOf = (type: string): string[] =>
      named.filter(({ resource }) => resource.type === type).map(({ name }) => name);
    this.imageKeys = namesOf(owners.image);
    this.lineKeys = namesOf(owners.line);
  }

  has(type: string, name: string): boolean {
    return this.#byId.has(idOf(type, name));
  }

  /** Names of the resources of an image or a line, by its key, that are none of those which it should have. */
  leftOver(key: string, expected: readonly string[]): string[] {
    const isPart = (name: string) => name === key || name.startsWith(`${key}-`);
    const known: readonly string[] = Object.values(resourceTypes);
    return [...this.#byId].flatMap(([id, { type }]) => {
      const name = id.slice(type.length + 1);
      return known.includes(type) && isPart(name) && !expected.includes(id) ? [name] : [];
    });
  }

  /** The AMI of an image in a region: the imported one at home, copies elsewhere. */
  imageId(key: string, region: string): string | undefined {
    const imported = this.#byId.get(idOf(resourceTypes.ami, key));
    const found =
      imported?.inputs?.["region"] === region
        ? imported
        : this.#byId.get(idOf(resourceTypes.copy, regionalName(key, region)));
    return found?.id;
  }

  /** The image that a line's parameter names in a region; undefined where there is none, or where it is a secret. */
  pointedTo(line: string, region: string): string | undefined {
    const parameter = this.#byId.get(idOf(resourceTypes.parameter, regionalName(line, region)));
    const { value, insecureValue } = parameter?.inputs ?? {};
    return [insecureValue, value].find((one) => typeof one === "string");
  }

  /** What steps were told when they were last done; those that were never done are left out. */
  inputsOf<Input>(...names: string[]): Partial<Input>[] {
    return names.flatMap((name) => {
      const { environment } = this.#byId.get(idOf(resourceTypes.command, name))?.inputs ?? {};
      const text = (environment as Record<string, unknown> | undefined)?.[stepVariables.input];
      return typeof text === "string" ? [JSON.parse(text) as Partial<Input>] : [];
    });
  }
}
