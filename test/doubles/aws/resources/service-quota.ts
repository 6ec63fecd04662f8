import type * as aws from "@pulumi/aws";
import { defineResource, doing, type Api } from "../resource.ts";

const code = { kind: "string", required: true, replaces: true } as const;

/** Requests a higher quota. Deleting it changes nothing in the cloud. */
export const serviceQuota = defineResource<aws.servicequotas.ServiceQuotaArgs>({
  token: "aws:servicequotas/serviceQuota:ServiceQuota",
  properties: { quotaCode: code, serviceCode: code, value: { kind: "number", required: true } },
  outputs: ["adjustable", "arn", "defaultValue", "quotaName", "requestId", "requestStatus", "serviceName"],
  importId: (id) => id,

  async create(api, { quotaCode, serviceCode, value }, setId) {
    await raise(api, serviceCode, quotaCode, value);
    setId(`${serviceCode}/${quotaCode}`);
  },

  async read(api, id) {
    const [ServiceCode = "", QuotaCode = ""] = id.split("/");
    const { Quota } = await api.call("GetServiceQuota", { ServiceCode, QuotaCode });
    return {
      serviceCode: ServiceCode,
      quotaCode: QuotaCode,
      value: Quota.Value,
      defaultValue: Quota.DefaultValue,
      quotaName: Quota.QuotaName,
      adjustable: true,
    };
  },

  async update(api, _id, _olds, { quotaCode, serviceCode, value }) {
    await raise(api, serviceCode, quotaCode, value);
  },

  async delete() {},
});

async function raise(api: Api, ServiceCode: string, QuotaCode: string, value: number): Promise<void> {
  await doing(`creating Service Quotas Service Quota (${ServiceCode}/${QuotaCode})`, async () => {
    const { Quota } = await api.call("GetServiceQuota", { ServiceCode, QuotaCode });
    if (value > Quota.Value) {
      await api.call("RequestServiceQuotaIncrease", { ServiceCode, QuotaCode, DesiredValue: value });
    }
  });
}
