import assert from "node:assert/strict";
import { awsGrantee } from "../../configs/grantee.ts";

describe("AWS's grantees", () => {
  const organization = "arn:aws:organizations::123456789012:organization/o-a1b2c3d4e5";
  const unit = "arn:aws-cn:organizations::123456789012:ou/o-a1b2c3d4e5/ou-ab12-a1b2c3d4";

  it("are everybody, an account, an organization, or a unit of one", () => {
    assert.deepEqual(awsGrantee("PUBLIC"), { group: "all" });
    assert.deepEqual(awsGrantee("012345678901"), { accountId: "012345678901" });
    assert.deepEqual(awsGrantee(organization), { organizationArn: organization });
    assert.deepEqual(awsGrantee(unit), { organizationalUnitArn: unit });
  });

  it("are nothing else", () => {
    for (const key of [
      "public",
      "all",
      "",
      "1234567890123",
      "o-a1b2c3d4e5",
      `${organization} `,
      unit.slice(0, -4),
    ]) {
      assert.equal(awsGrantee(key), undefined, key);
    }
  });
});
