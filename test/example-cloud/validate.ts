/** What a stack must say before an image can be imported into the example cloud. */
import type { CloudPublishing } from "../../clouds/cloud.ts";
import { folderOf } from "./options.ts";

export const validate: CloudPublishing["validate"] = ({ key }, stage, settings) =>
  folderOf(settings) === ""
    ? [{ propertyPath: "example.folder", reason: `${key}: stage ${stage} needs setting example.folder` }]
    : [];
