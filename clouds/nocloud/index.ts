import type { Cloud } from "../cloud.ts";
import { nocloudMachine } from "./machine.ts";

/** No cloud: a seed on a second disk tells the instance what it is, and the image's files in storage are its publication. */
export const nocloud: Cloud = {
  name: "nocloud",
  machine: nocloudMachine,
  dataSource: "NoCloud",
  isPublishedByStorage: true,
};
