/** Names of the resources that an image or a line has in its regions: for what declares them, and what looks them up in a state. */

/** Of what there is once in a region: a copy, a parameter. */
export const regionalName = (key: string, region: string): string => `${key}-${region}`;

/** Of a launch permission. @param grantee its name */
export const permissionName = (key: string, region: string, grantee: string): string =>
  `${regionalName(key, region)}-${grantee}`;

/** Pass for ids and name nothing: see `placeholderIfFailed`. */
export const noImage = "ami-00000000";
export const noSnapshot = "snap-00000000";
