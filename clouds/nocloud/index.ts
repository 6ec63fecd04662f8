import type { Cloud } from "../cloud.ts";
import { nocloudMachine } from "./machine.ts";

/**
 * No cloud: an instance reads its metadata from a seed on a second disk, and the image's files in storage are its publication.
 */
export const nocloud: Cloud = {
  name: "nocloud",
  machine: nocloudMachine,
  dataSource: "NoCloud",
  isPublishedByStorage: true,
};
