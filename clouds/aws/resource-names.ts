/** Names of the resources that an image or a line has on AWS, for the components and for readers of states. */

/** The name of a resource that exists once per region: a copy, a parameter. */
export const regionalName = (key: string, region: string): string => `${key}-${region}`;

/** The name of a launch permission. @param grantee the grantee's name */
export const permissionName = (key: string, region: string, grantee: string): string =>
  `${regionalName(key, region)}-${grantee}`;

/** Ids that pass the provider's checks but name nothing: see `placeholderIfFailed`. */
export const noImage = "ami-00000000";
export const noSnapshot = "snap-00000000";
