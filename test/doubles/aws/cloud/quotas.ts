/** The service quotas that limit what the program declares. */
import { AwsError } from "./aws-error.ts";
import type { Region } from "./state.ts";
import { required, type World } from "./world.ts";

export const publicImagesQuota = "ec2/L-0E3CBAB9";

/** Defaults: "Public AMIs: 5 per region", "AMIs: 50,000" (EC2 user guide, AMI quotas). */
const defaults: Record<string, { name: string; value: number }> = {
  [publicImagesQuota]: { name: "Public AMIs", value: 5 },
  "ec2/L-B665C33B": { name: "AMIs", value: 50_000 },
};

export function quotaOf(region: Readonly<Region>, key: string): number {
  return region.quotas[key] ?? defaults[key]?.value ?? 0;
}

interface QuotaParams {
  ServiceCode?: string;
  QuotaCode?: string;
  DesiredValue?: number;
}

export interface QuotaAnswer {
  ServiceCode: string;
  QuotaCode: string;
  QuotaName: string;
  Value: number;
  DefaultValue: number;
}

export function getServiceQuota(world: World, params: QuotaParams): QuotaAnswer {
  const ServiceCode = required(params.ServiceCode, "ServiceCode");
  const QuotaCode = required(params.QuotaCode, "QuotaCode");
  const key = `${ServiceCode}/${QuotaCode}`;
  const known = defaults[key];
  if (known === undefined) {
    throw new AwsError("NoSuchResourceException", `The quota ${key} does not exist`);
  }
  const Value = quotaOf(world.region, key);
  return { ServiceCode, QuotaCode, QuotaName: known.name, Value, DefaultValue: known.value };
}

/** Requests a higher quota. The emulator grants it at once. AWS's support takes days, and may refuse. */
export function requestServiceQuotaIncrease(world: World, params: QuotaParams): QuotaAnswer {
  const before = getServiceQuota(world, params);
  const value = required(params.DesiredValue, "DesiredValue");
  if (value <= before.Value) {
    const message = `You must provide a quota value greater than the current quota value: ${before.Value}`;
    throw new AwsError("IllegalArgumentException", message);
  }
  world.region.quotas[`${before.ServiceCode}/${before.QuotaCode}`] = value;
  return { ...before, Value: value };
}
