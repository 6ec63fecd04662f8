import { clouds } from "../../../clouds/registry.ts";
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { accountFileSchema } from "../../../clouds/aws/account/file-schema.ts";
import { schemaFiles, schemas } from "../../../src/configuration/json-schemas.ts";
import { project, repository } from "./project.ts";
import { rejectsWith } from "../../helpers/errors.ts";

const more = { "aws-account": accountFileSchema };

describe("npm run schemas", () => {
  it("has been run: schemas/ says what the zod schemas say", async () => {
    const files = await schemaFiles(clouds, more);
    assert.deepEqual(readdirSync(join(repository, "schemas")).sort(), [...files.keys()].sort());
    for (const [name, text] of files)
      assert.equal(readFileSync(join(repository, "schemas", name), "utf8"), text, name);
  });

  it("with --check names what is stale, and writes nothing", async () => {
    const dir = project({}, {});
    await schemas({ dir, clouds, more });
    await schemas({ dir, check: true, clouds, more });
    writeFileSync(join(dir, "layer.json"), "{}");
    await rejectsWith(schemas({ dir, check: true, clouds, more }), {
      code: "generated-file-stale",
      where: "schemas/layer.json",
    });
    assert.equal(readFileSync(join(dir, "layer.json"), "utf8"), "{}");
  });

  it("describe every field for editors", async () => {
    const layer = JSON.parse((await schemaFiles(clouds, more)).get("layer.json")!) as {
      properties: Record<string, { description?: string }>;
    };
    const silent = Object.entries(layer.properties).filter(([, { description }]) => !description);
    assert.deepEqual(
      silent.map(([name]) => name),
      [],
    );
  });
});
