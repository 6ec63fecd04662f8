/** Tags of images, snapshots, import tasks and parameters. */
import { AwsError } from "./aws-error.ts";
import { findSnapshot } from "./snapshots.ts";
import type { Tags } from "./state.ts";
import { required, type World } from "./world.ts";

export interface TagsParams {
  Resources?: string[];
  Tags?: { Key?: string; Value?: string }[];
}

/** The tags of the thing with this id. */
export function tagsOf(world: World, id: string): Tags {
  const { images, importTasks } = world.region;
  if (id.startsWith("snap-")) return findSnapshot(world, id).tags;
  const tagged = images[id] ?? importTasks[id];
  if (tagged !== undefined) return tagged.tags;
  if (id.startsWith("ami-")) {
    throw new AwsError("InvalidAMIID.NotFound", `The image id '[${id}]' does not exist`);
  }
  throw new AwsError("InvalidID", `The ID '${id}' is not valid`);
}

/** Limits: 50 tags, 128 characters a key, 256 a value, no key in `aws:` (EC2 user guide, Tag restrictions). */
export function addTags(tags: Tags, added: NonNullable<TagsParams["Tags"]>): void {
  for (const { Key, Value = "" } of added) {
    const key = required(Key, "Tag.Key");
    if (key.toLowerCase().startsWith("aws:")) {
      throw new AwsError(
        "InvalidParameterValue",
        "Tag keys starting with 'aws:' are reserved for internal use",
      );
    }
    if (key.length > 128 || Value.length > 256) {
      throw new AwsError("InvalidParameterValue", `Tag ${key}: at most 128 characters a key and 256 a value`);
    }
    tags[key] = Value;
  }
  if (Object.keys(tags).length > 50) {
    throw new AwsError("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.");
  }
}

export function createTags(world: World, params: TagsParams): Record<string, never> {
  for (const id of required(params.Resources, "ResourceId")) addTags(tagsOf(world, id), params.Tags ?? []);
  return {};
}

/** Deletes tags. If a value is given, only a tag with that value. */
export function deleteTags(world: World, params: TagsParams): Record<string, never> {
  for (const id of required(params.Resources, "ResourceId")) {
    const tags = tagsOf(world, id);
    for (const { Key = "", Value } of params.Tags ?? []) {
      if (Value === undefined || tags[Key] === Value) delete tags[Key];
    }
  }
  return {};
}
