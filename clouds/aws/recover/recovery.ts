import type { CloudRecovery } from "../../../src/recover/cloud-recovery.ts";
import { hasAws } from "./recorded.ts";

/** Recovery of a stack's images on AWS. The SDKs are loaded only if there is something to recover. */
export const awsRecovery: CloudRecovery = {
  isIn: hasAws,
  prepare: async (...args) => (await import("./recover.ts")).prepareRecovery(...args),
};
