import assert from "node:assert/strict";
import { requireSame, withoutPending, withResources } from "../../../src/stacks/edit-state.ts";
import {
  findState,
  isComplete,
  nameOf,
  parseState,
  pendingOperations,
  projectOf,
  providerUrn,
  resourcesOf,
  stackOf,
  typeOf,
} from "../../../src/stacks/state.ts";

const disk = "urn:pulumi:dev::alpine::alpine:index:ImageVariant$command:local:Command::3.23.6-disk";
const resource = { urn: disk, type: "command:local:Command", propertyDependencies: { create: null } };
const exported = {
  version: 3,
  deployment: {
    manifest: { version: "v3.245.0" },
    resources: [{ ...resource, created: "2026-11-23T08:00:00Z" }],
    pending_operations: [{ type: "creating", resource: { ...resource, custom: true, sourcePosition: "a" } }],
    metadata: {},
  },
};
const state = parseState(JSON.stringify(exported), "the test");

describe("a stack's state", () => {
  it("keeps what is not known here, for it is imported again", () => {
    assert.deepEqual(state, exported);
    assert.equal(resourcesOf(state).length, 1);
    assert.deepEqual(
      pendingOperations(state).map(({ type }) => type),
      ["creating"],
    );
  });

  it("has nothing where the stack is empty; what has no deployment is another file", () => {
    for (const deployment of [{}, { resources: null, pending_operations: null }]) {
      const empty = parseState(JSON.stringify({ version: 3, deployment }), "the test");
      assert.deepEqual([resourcesOf(empty), pendingOperations(empty)], [[], []]);
    }
    for (const text of ["", "{}", "[]", '{ "deployment": { "resources": [{ "urn": "a" }] } }']) {
      assert.equal(findState(text), undefined);
      assert.throws(
        () => parseState(text, "state.json"),
        /^UserError: state\.json is not a stack export\n.*pulumi stack export/,
      );
    }
  });

  it("tells by a URN the stack, the project, the type and the name", () => {
    assert.equal(nameOf(disk), "3.23.6-disk");
    assert.equal(nameOf("urn:pulumi:dev::alpine::a:b:C::with::colons"), "with::colons");
    assert.deepEqual([projectOf(disk), stackOf(disk)], ["alpine", "dev"]);
    assert.equal(typeOf(disk), "command:local:Command");
    assert.equal(typeOf("urn:pulumi:dev::alpine::pulumi:pulumi:Stack::alpine-dev"), "pulumi:pulumi:Stack");
    const provider = "urn:pulumi:dev::alpine::pulumi:providers:aws::regional";
    assert.equal(providerUrn(`${provider}::0d5c5f9e`), provider);
  });

  it("has as a whole only what was neither cut off nor replaced", () => {
    const { urn, type } = resource;
    assert.ok(isComplete({ urn, type, initErrors: [] }));
    assert.ok(!isComplete({ urn, type, initErrors: ["not found"] }));
    assert.ok(!isComplete({ urn, type, delete: true }));
  });

  it("is edited without losing anything else", () => {
    const changed = { ...resourcesOf(state)[0]!, protect: true };
    const more = { urn: `${disk}-2`, type: resource.type };
    const edited = withResources(withoutPending(state), [changed], [more]);
    assert.deepEqual(edited, {
      ...exported,
      deployment: { ...exported.deployment, resources: [changed, more], pending_operations: [] },
    });
    requireSame(state, parseState(JSON.stringify(exported), "the test"), "dev");
    assert.throws(
      () => requireSame(state, edited, "dev"),
      /the state of stack dev changed during recovery\n.*run recover again/,
    );
  });
});
