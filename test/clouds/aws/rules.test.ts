import assert from "node:assert/strict";
import {
  amiTags,
  deprecationTime,
  granteeOf,
  grantees,
  latestDeprecation,
} from "../../../clouds/aws/rules.ts";
import { defined } from "../../../src/lib/defined.ts";
import { someVariant } from "../../helpers/variant.ts";

describe("an image's AMIs", () => {
  it("are deprecated at the end of life, when they retire, or after two years, whatever comes first", () => {
    const of = (endOfLife: string, added: string, retired?: string): string =>
      deprecationTime({ endOfLife }, { added, ...defined({ retired }) });
    assert.equal(of("2027-11-01", "2026-11-01"), "2027-11-01T23:59:00Z");
    assert.equal(of("2030-01-01", "2026-11-01"), "2028-11-01T00:00:00Z");
    assert.equal(of("2030-01-01", "2028-02-29"), "2030-01-01T23:59:00Z");
    assert.equal(of("2031-01-01", "2028-02-29"), "2030-02-28T00:00:00Z");
    assert.equal(of("2027-11-01", "2026-11-01", "2027-02-03"), "2027-02-03T00:00:00Z");
    assert.equal(of("2027-11-01", "2026-11-01", "2027-12-03"), "2027-11-01T23:59:00Z");
  });

  it("can be deprecated for two years, to the day, and from a leap day to the last of February", () => {
    const days = ["2026-11-01", "2028-02-28", "2028-02-29", "2028-03-01", "2026-02-28", "2027-12-31"];
    assert.deepEqual(days.map(latestDeprecation), [
      "2028-11-01",
      "2030-02-28",
      "2030-02-28",
      "2030-03-01",
      "2028-02-28",
      "2029-12-31",
    ]);
  });

  it("have the original's tags, as texts, and a name for the console", () => {
    const tags = amiTags(someVariant({ cloud: "aws", name: "aws_alpine-3.23.6", revision: 2 }));
    assert.equal(tags["Name"], "alpine-3.23.6");
    assert.equal(tags["name"], "alpine-3.23.6");
    assert.equal(tags["revision"], "2");
    assert.equal(Object.keys(tags).length, 13);
  });

  it("are shared with everyone, and with those that are named", () => {
    const organization = "arn:aws:organizations::111122223333:organization/o-abcdefghij";
    const unit = "arn:aws:organizations::111122223333:ou/o-abcdefghij/ou-abcd-12345678";
    const account = { name: "111122223333", accountId: "111122223333" };
    assert.deepEqual(grantees({ PUBLIC: true, "111122223333": true }), [
      account,
      { name: "public", group: "all" },
    ]);
    assert.deepEqual(grantees({ "111122223333": "leaving" }), [{ ...account, leaving: true }]);
    assert.deepEqual(grantees({ PUBLIC: false, "444455556666": false, "111122223333": true }), [
      { name: "111122223333", accountId: "111122223333" },
    ]);
    assert.deepEqual(granteeOf(organization), { name: "o-abcdefghij", organizationArn: organization });
    assert.deepEqual(granteeOf(unit), { name: "ou-abcd-12345678", organizationalUnitArn: unit });
    for (const wrong of ["11112222333", "everyone", "arn:aws:iam::111122223333:root"]) {
      assert.equal(granteeOf(wrong), undefined, wrong);
    }
  });
});
