/** Computes what a preview can know about the outputs of create and update. */
import type { CommandOutputs } from "./execute.ts";
import { commandShapes } from "./inputs.ts";
import { isUnknown, sameValue, unknownString, type Properties } from "./property.ts";

/** A command's outputs are unknown until it has run. */
export function previewOfCreate(inputs: Properties): Properties {
  return { ...inputs, stdout: unknownString, stderr: unknownString };
}

/**
 * The old outputs; unknown if an input in the old state is changed, removed or itself unknown. An added input has no
 * effect: the real provider overlooks it, so applies see old outputs.
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

/** `inputs` with the old values of the properties in `ignoreChanges`. */
export function withIgnored(inputs: Properties, olds: Properties, ignored: readonly string[]): Properties {
  const kept = ignored.flatMap((name) => {
    const old = olds[name];
    return old === undefined ? [] : [[name, old] as const];
  });
  return { ...inputs, ...Object.fromEntries(kept) };
}
