import type { Tag } from "@aws-sdk/client-ec2";

/** Tags as EC2 takes them. */
export function tagList(tags: Readonly<Record<string, string>>): Tag[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}
