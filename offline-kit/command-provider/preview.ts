/** What create and update would give, as far as a preview can know. */
import type { CommandOutputs } from "./execute.ts";
import { commandShapes } from "./inputs.ts";
import { isUnknown, sameValue, unknownString, type Properties } from "./property.ts";

/** Nothing of a command's output is known before it has run. */
export function previewOfCreate(inputs: Properties): Properties {
  return { ...inputs, stdout: unknownString, stderr: unknownString };
}

/**
 * The old outputs, unknown where an input that the old state has is changed, taken away, or unknown itself.
 * An input that is added changes nothing here: the real provider overlooks it, and so applies see old outputs.
 */
export function previewOfUpdate(olds: Properties, inputs: Properties, outputs: CommandOutputs): Properties {
  const changed = Object.keys(commandShapes).some(
    (name) => isUnknown(inputs[name]) || (name in olds && !sameValue(inputs[name], olds[name])),
  );
  const shown = changed
    ? Object.fromEntries(Object.keys(outputs).map((name) => [name, unknownString]))
    : outputs;
  return { ...inputs, ...shown };
}

/** `inputs` with what `ignoreChanges` names put back to its old value. */
export function withIgnored(inputs: Properties, olds: Properties, ignored: readonly string[]): Properties {
  const kept = ignored.flatMap((name) => {
    const old = olds[name];
    return old === undefined ? [] : [[name, old] as const];
  });
  return { ...inputs, ...Object.fromEntries(kept) };
}
