/** Copies an imported AMI to further regions, and shares it. Regions are independent of each other. */
import { AmiCopy } from "@pulumi/aws/ec2/amiCopy.js";
import { AmiLaunchPermission } from "@pulumi/aws/ec2/amiLaunchPermission.js";
import type * as pulumi from "@pulumi/pulumi";
import { placeholderIfFailed } from "../../../components/placeholder.ts";
import { preflightHooks } from "../../../components/preflight-hook.ts";
import { imageName } from "../../../src/configuration/tags.ts";
import type { Variant } from "../../../src/configuration/variant.ts";
import { defined } from "../../../src/lib/defined.ts";
import type { RegionalImage } from "../../cloud.ts";
import { encryptionOf, grantees } from "../rules.ts";
import { noImage, permissionName, regionalName } from "../resource-names.ts";
import { type ImageContext, keepAsMade, patience, type RegionalAmi } from "./context.ts";

/** An image that is published in a region, with its snapshot. */
export type PublishedAmi = RegionalImage & Pick<RegionalAmi, "snapshotId">;

/** Copies the imported AMI to the image's regions and shares it in each. */
export function publish(context: ImageContext, home: RegionalAmi): PublishedAmi[] {
  const { image } = context.args;
  return image.regions.map(({ name: region, bestEffort, leaving = false }) => {
    const unprotect: pulumi.CustomResourceOptions = leaving ? { protect: false } : {};
    const ami = region === home.region ? home : copy(context, home, region, unprotect);
    const permissions = share(context, ami, unprotect);
    return {
      region,
      bestEffort,
      leaving,
      imageId: ami.imageId,
      snapshotId: ami.snapshotId,
      ...urls(image.variant, region, ami.imageId),
      ready: [ami.resource, ...permissions],
    };
  });
}

function copy(
  context: ImageContext,
  home: RegionalAmi,
  region: string,
  unprotect: pulumi.CustomResourceOptions,
): RegionalAmi {
  const { name, args, mutableAttributes, parent } = context;
  const { variant } = args.image;
  const resource = new AmiCopy(
    regionalName(name, region),
    {
      ...mutableAttributes,
      name: imageName(variant),
      region,
      sourceAmiId: placeholderIfFailed(home.imageId, noImage),
      sourceAmiRegion: home.region,
      ...encryptionOf(variant),
    },
    {
      parent,
      dependsOn: [home.resource, ...args.publishAfter],
      ...unprotect,
      ...patience,
      ...keepAsMade(context, "amiCopy"),
      ...preflightHooks(args.preflight),
    },
  );
  return { region, resource, imageId: resource.id, snapshotId: resource.rootSnapshotId };
}

/** Declares one permission for each grantee, so that adding or removing one leaves the others alone. */
function share(
  context: ImageContext,
  { region, imageId, resource }: RegionalAmi,
  unprotect: pulumi.CustomResourceOptions,
): AmiLaunchPermission[] {
  const { name, args, parent } = context;
  const { image, publicAccess, publishAfter } = args;
  return grantees(image.variant.access).map(({ name: grantee, leaving, ...who }) => {
    const unblocked = who.group === "all" ? (publicAccess[region] ?? []) : [];
    return new AmiLaunchPermission(
      permissionName(name, region, grantee),
      { region, imageId: placeholderIfFailed(imageId, noImage), ...who },
      {
        parent,
        dependsOn: [resource, ...publishAfter, ...unblocked],
        ...unprotect,
        ...keepAsMade(context, "permission"),
        ...(leaving ? { protect: false } : {}),
        ...preflightHooks(args.preflight),
      },
    );
  });
}

function urls(
  { cloudRegionUrl, cloudLaunchUrl }: Variant,
  region: string,
  imageId: pulumi.Output<string>,
): Pick<RegionalImage, "regionUrl" | "launchUrl"> {
  const filled = (url: string | undefined): pulumi.Output<string> | undefined =>
    url === undefined
      ? undefined
      : imageId.apply((id) => url.replaceAll("{region}", region).replaceAll("{image_id}", id));
  return defined({ regionUrl: filled(cloudRegionUrl), launchUrl: filled(cloudLaunchUrl) });
}
