import assert from "node:assert/strict";
import { permissionName, regionalName } from "../../../clouds/aws/resource-names.ts";

describe("names of an image's resources", () => {
  it("end with the region, and with the grantee", () => {
    const key = "3.23.6-x86_64-uefi-tiny-aws-r0";
    assert.equal(regionalName(key, "eu-west-1"), `${key}-eu-west-1`);
    assert.equal(permissionName(key, "eu-west-1", "public"), `${key}-eu-west-1-public`);
  });
});
