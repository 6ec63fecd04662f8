/** The clouds that this program knows, in the order in which messages list them. A new cloud adds its line here. */
import { aws } from "./aws/index.ts";
import { azure } from "./azure/index.ts";
import type { Cloud } from "./cloud.ts";
import { gcp } from "./gcp/index.ts";
import { nocloud } from "./nocloud/index.ts";
import { oci } from "./oci/index.ts";

export const clouds: readonly Cloud[] = [aws, azure, gcp, nocloud, oci];
