import { SnapshotImport } from "@pulumi/aws/ebs/snapshotImport.js";
import { Ami } from "@pulumi/aws/ec2/ami.js";
import { AmiCopy } from "@pulumi/aws/ec2/amiCopy.js";
import { AmiLaunchPermission } from "@pulumi/aws/ec2/amiLaunchPermission.js";
import * as pulumi from "@pulumi/pulumi";
import { noImage, noSnapshot, permissionName, regionalName } from "./resource-names.ts";
import { amiArchitectures, amiBootModes, amiTags, deprecationTime, grantees, ownerTag } from "./rules.ts";
import { imageName } from "../../src/configuration/tags.ts";
import { isAtLeast, type Variant } from "../../src/configuration/variant.ts";
import type { AwsSnapshotInput, AwsSnapshotResult } from "./steps/write-snapshot.ts";
import type { AwsSnapshotsInput, AwsSnapshotsResult } from "./steps/tag-snapshots.ts";
import type { AwsUploadInput, AwsUploadResult } from "./steps/upload.ts";
import { preflightHooks } from "../../components/preflight-hook.ts";
import { placeholderIfFailed } from "../../components/placeholder.ts";
import { StepCommand } from "../../components/step-command.ts";
import { bestEffortSuffix, type CloudImage, type CloudImageArgs, type RegionalImage } from "../cloud.ts";

/** Imports and copies wait in AWS's queues: a snapshot of a few hundred MiB has taken hours on a bad day. */
const patience = { customTimeouts: { create: "4h" } };

/**
 * What replaces a resource, and so is ignored once a stack keeps what it has: a name that lives is never given to
 * something else. The rest (description, deprecation, tags) is changed in place.
 */
const replacing = {
  snapshotImport: ["description", "diskContainer", "encrypted", "kmsKeyId", "region", "roleName"],
  ami: [
    "architecture",
    "bootMode",
    "ebsBlockDevices",
    "enaSupport",
    "imdsSupport",
    "name",
    "region",
    "rootDeviceName",
    "sriovNetSupport",
    "tpmSupport",
    "virtualizationType",
  ],
  amiCopy: ["encrypted", "kmsKeyId", "name", "sourceAmiId", "sourceAmiRegion"],
  // Its AMI is never replaced; and where that was not seen to, its stand-in is no other image: see `placeholderIfFailed`.
  permission: ["imageId"],
};

const rootDevice = "/dev/xvda";

/** An image in one region: the imported one, or a copy of it. */
interface RegionalAmi {
  region: string;
  resource: Ami | AmiCopy;
  imageId: pulumi.Output<string>;
  snapshotId: pulumi.Output<string>;
}

/**
 * An image on AWS: imported in the home region as a private AMI; from stage publish on copied to its regions and shared,
 * each region on its own path. Deleting it removes AMIs and snapshots.
 */
export class AwsImage extends pulumi.ComponentResource implements CloudImage {
  readonly imported: CloudImage["imported"];
  readonly published: readonly RegionalImage[];
  readonly publishedSince: pulumi.Output<string | undefined>;
  readonly #args: CloudImageArgs;
  readonly #name: string;
  readonly #frozen: boolean;
  /** Of all AMIs, in place: none of it replaces one. */
  readonly #mutableAttributes: { description: string; tags: Record<string, string>; deprecationTime: string };

  constructor(name: string, args: CloudImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("alpine:index:AwsImage", name, {}, opts);
    this.#args = args;
    this.#name = name;
    const { image, settings, stage } = args;
    const { variant, state } = image;
    this.#frozen = settings.rebuild === "never";
    this.#mutableAttributes = {
      description: variant.description,
      tags: amiTags(variant),
      deprecationTime: deprecationTime(variant, state),
    };
    const home = this.#import();
    this.imported = { region: home.region, imageId: home.imageId };
    const published = isAtLeast(stage, "publish") ? this.#publish(home) : [];
    this.published = published;
    this.publishedSince = this.#tagAndShareSnapshots(home, published)
      .result<AwsSnapshotsResult>()
      .apply((result) => result?.published);
    this.registerOutputs({});
  }

  /** Disk → snapshot → AMI, in the home region. */
  #import(): RegionalAmi {
    const { variant } = this.#args.image;
    const { region } = this.#args.settings.aws;
    const options = requireAws(variant);
    const { snapshotId, resource: snapshot } = this.#snapshot();
    const ami = new Ami(
      this.#name,
      {
        ...this.#mutableAttributes,
        name: imageName(variant),
        region,
        architecture: amiArchitectures[variant.arch],
        bootMode: options.bootMode ?? amiBootModes[variant.firmware],
        virtualizationType: "hvm",
        enaSupport: options.enaSupport,
        sriovNetSupport: "simple",
        ...(options.imdsSupport === "v2.0" ? { imdsSupport: "v2.0" } : {}),
        ...(options.tpmSupport ? { tpmSupport: "v2.0" } : {}),
        rootDeviceName: rootDevice,
        ebsBlockDevices: [
          {
            deviceName: rootDevice,
            snapshotId: placeholderIfFailed(snapshotId, noSnapshot),
            volumeType: options.volumeType,
            deleteOnTermination: true,
          },
        ],
      },
      {
        parent: this,
        dependsOn: snapshot,
        ...this.#keeping("ami"),
        ...preflightHooks(this.#args.preflight),
      },
    );
    this.#warnOfOtherAttributes(ami);
    return { region, resource: ami, imageId: this.#idInHome(ami), snapshotId };
  }

  /**
   * The AMI's id, if it is where images are imported today. Elsewhere it is in the way of its own copy, and what names it would
   * be of the wrong region: so nothing that hangs on it is declared then.
   */
  #idInHome(ami: Ami): pulumi.Output<string> {
    const { region } = this.#args.settings.aws;
    if (!this.#frozen) return ami.id;
    // Under --target the region may not be known.
    return pulumi.all([ami.id, ami.region]).apply(([id, found]) => {
      if (found === undefined || found === region) return id;
      throw new pulumi.InputPropertyError({
        propertyPath: "aws",
        reason: `${this.#name} was imported in ${found}, and region of alpine:aws is ${region} today: set it back, for images that are there can't move (another home region takes another stack)`,
      });
    });
  }

  /** The disk as a snapshot, by way of the bucket or directly. */
  #snapshot(): { snapshotId: pulumi.Output<string>; resource: pulumi.Resource } {
    const { settings, image, disk, artifact } = this.#args;
    const { region, bucket, double, role, importMethod } = settings.aws;
    const { variant } = image;
    const encryption = encryptionOf(variant);
    const owner = `${pulumi.getProject()}/${pulumi.getStack()}/${this.#name}`;
    const { description } = this.#mutableAttributes;
    const tags = { ...this.#mutableAttributes.tags, [ownerTag]: owner };
    const content = pulumi.output(disk).apply((disk) => disk?.sha512 ?? "unknown");
    if (importMethod === "direct") {
      const input = pulumi.all([disk, artifact]).apply(([disk, artifact]): AwsSnapshotInput => ({
        region,
        double,
        owner,
        disk,
        artifact,
        description,
        tags,
        encrypted: false,
        ...encryption,
      }));
      const snapshot = new StepCommand(
        `${this.#name}-snapshot`,
        { step: "aws-snapshot", input, replaceOn: [content, region], frozen: this.#frozen },
        { parent: this, ...patience, ...preflightHooks(this.#args.preflight) },
      );
      const snapshotId = snapshot
        .result<AwsSnapshotResult>()
        .apply((result) => result?.snapshotId ?? "unknown");
      return { snapshotId, resource: snapshot };
    }
    const input = pulumi
      .all([disk, artifact])
      .apply(([disk, artifact]): AwsUploadInput => ({ region, bucket, double, owner, disk, artifact }));
    const upload = new StepCommand(
      `${this.#name}-upload`,
      { step: "aws-upload", input, replaceOn: [content, region, bucket], frozen: this.#frozen },
      { parent: this, ...patience, ...preflightHooks(this.#args.preflight) },
    );
    // Another content has another key: an import would not notice the same one changed.
    const key = upload.result<AwsUploadResult>().apply((result) => result?.key ?? "unknown");
    const snapshot = new SnapshotImport(
      this.#name,
      {
        region,
        description,
        tags,
        roleName: role,
        ...encryption,
        diskContainer: {
          description,
          format: variant.imageFormat.toUpperCase(),
          userBucket: {
            s3Bucket: bucket,
            s3Key: placeholderIfFailed(key, "none"),
          },
        },
      },
      {
        parent: this,
        dependsOn: upload,
        ...patience,
        ...this.#keeping("snapshotImport"),
        ...preflightHooks(this.#args.preflight),
      },
    );
    return { snapshotId: snapshot.id, resource: snapshot };
  }

  /** Copies, and permissions on all. */
  #publish(home: RegionalAmi): (RegionalImage & Pick<RegionalAmi, "snapshotId">)[] {
    const { image } = this.#args;
    return image.regions.map(({ name: region, bestEffort, leaving = false }) => {
      const unprotect: pulumi.CustomResourceOptions = leaving ? { protect: false } : {};
      const ami = region === home.region ? home : this.#copy(home, region, unprotect);
      const permissions = this.#share(ami, unprotect);
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

  /**
   * Tags the snapshots and shares them where configured: copies come without, and nothing of it has a resource. From import on,
   * so that what is shared is taken back by an update, and never by a command that goes away.
   */
  #tagAndShareSnapshots(
    home: RegionalAmi,
    published: readonly (RegionalImage & Pick<RegionalAmi, "snapshotId">)[],
  ): StepCommand {
    const others = published.filter(({ region }) => region !== home.region);
    const bestEffort = others.filter((one) => one.bestEffort);
    if (bestEffort.length > 0)
      this.#tagSnapshots(bestEffortSuffix, bestEffort, published, { protect: false });
    return this.#tagSnapshots("", [home, ...others.filter((one) => !one.bestEffort)], published);
  }

  #tagSnapshots(
    suffix: string,
    amis: readonly Pick<RegionalAmi, "region" | "snapshotId">[],
    published: readonly RegionalImage[],
    options: pulumi.CustomResourceOptions = {},
  ): StepCommand {
    const { image, settings, publicAccess, publishAfter: before } = this.#args;
    const share = requireAws(image.variant).shareSnapshots
      ? grantees(image.variant.access).flatMap(({ group, accountId }) => group ?? accountId ?? [])
      : [];
    const regions = published.map(({ region }) => region);
    const snapshots = Object.fromEntries(amis.map(({ region, snapshotId }) => [region, snapshotId]));
    const input = pulumi.output(snapshots).apply((snapshots): AwsSnapshotsInput => ({
      double: settings.aws.double,
      snapshots,
      tags: this.#mutableAttributes.tags,
      share,
      published: regions,
    }));
    // Those of other regions may fail, and are not waited for.
    const here = regions.filter((region) => amis.some((ami) => ami.region === region));
    const isShared = share.length > 0 && published.length > 0;
    const dependsOn = isShared ? [...before, ...here.flatMap((region) => publicAccess[region] ?? [])] : [];
    return new StepCommand(
      `${this.#name}-snapshots${suffix}`,
      // Never frozen: tags and access follow the configuration.
      { step: "aws-snapshots", input, replaceOn: [], frozen: false },
      { parent: this, dependsOn, ...preflightHooks(this.#args.preflight), ...options },
    );
  }

  #copy(home: RegionalAmi, region: string, mayGo: pulumi.CustomResourceOptions): RegionalAmi {
    const { variant } = this.#args.image;
    const copy = new AmiCopy(
      regionalName(this.#name, region),
      {
        ...this.#mutableAttributes,
        name: imageName(variant),
        region,
        sourceAmiId: placeholderIfFailed(home.imageId, noImage),
        sourceAmiRegion: home.region,
        ...encryptionOf(variant),
      },
      {
        parent: this,
        dependsOn: [home.resource, ...this.#args.publishAfter],
        ...mayGo,
        ...patience,
        ...this.#keeping("amiCopy"),
        ...preflightHooks(this.#args.preflight),
      },
    );
    return { region, resource: copy, imageId: copy.id, snapshotId: copy.rootSnapshotId };
  }

  /** One resource for each grantee: whom to add or take away leaves the others alone. */
  #share(
    { region, imageId, resource }: RegionalAmi,
    mayGo: pulumi.CustomResourceOptions,
  ): AmiLaunchPermission[] {
    const { image, publicAccess, publishAfter: before } = this.#args;
    return grantees(image.variant.access).map(({ name, leaving, ...grantee }) => {
      const dependsOn = [
        resource,
        ...before,
        ...(grantee.group === "all" ? (publicAccess[region] ?? []) : []),
      ];
      return new AmiLaunchPermission(
        permissionName(this.#name, region, name),
        { region, imageId: placeholderIfFailed(imageId, noImage), ...grantee },
        {
          parent: this,
          dependsOn,
          ...mayGo,
          ...this.#keeping("permission"),
          ...(leaving ? { protect: false } : {}),
          ...preflightHooks(this.#args.preflight),
        },
      );
    });
  }

  /** Options of a resource that stays as it was made, where the stack keeps what it has. */
  #keeping(kind: keyof typeof replacing): { ignoreChanges: string[] } | object {
    return this.#frozen ? { ignoreChanges: replacing[kind] } : {};
  }

  /** What cannot be changed on an AMI stays, and that the configuration says otherwise is told. */
  #warnOfOtherAttributes(ami: Ami): void {
    if (!this.#frozen) return;
    const { variant } = this.#args.image;
    const options = requireAws(variant);
    const wanted = {
      name: imageName(variant),
      bootMode: options.bootMode ?? amiBootModes[variant.firmware],
      enaSupport: options.enaSupport,
      imdsSupport: options.imdsSupport === "v2.0" ? "v2.0" : "",
      tpmSupport: options.tpmSupport ? "v2.0" : "",
      volumeType: options.volumeType,
      encrypted: variant.encrypted !== false,
    };
    const root = ami.ebsBlockDevices.apply((devices) => devices?.[0]);
    const { name, bootMode, enaSupport, imdsSupport, tpmSupport } = ami;
    const attributes: Record<keyof typeof wanted, pulumi.Output<string | boolean | undefined>> = {
      name,
      bootMode,
      enaSupport,
      imdsSupport,
      tpmSupport,
      volumeType: root.apply((device) => device?.volumeType),
      encrypted: root.apply((device) => device?.encrypted),
    };
    // Each alone: one that a state does not have is unknown at a preview, and would silence the others.
    for (const key of Object.keys(wanted) as (keyof typeof wanted)[]) {
      attributes[key].apply((found) => {
        if (found === undefined || found === wanted[key]) return;
        const message = `${this.#name} was registered with ${key} ${String(found)}, which is ${String(wanted[key])} today; revise it to publish it anew`;
        void pulumi.log.warn(message, this);
      });
    }
  }
}

/** The configuration fills these in for every image of cloud aws. */
function requireAws(variant: Variant): NonNullable<Variant["aws"]> {
  if (variant.aws === undefined) throw new Error(`${variant.imageKey} has no field aws`);
  return variant.aws;
}

/** A key is taken as one that each region has: an alias. An ARN names one region's alone. */
function encryptionOf({ encrypted }: Variant): { encrypted?: true; kmsKeyId?: string } {
  if (encrypted === false) return {};
  return encrypted === true ? { encrypted } : { encrypted: true, kmsKeyId: encrypted };
}

function urls(
  { cloudRegionUrl, cloudLaunchUrl }: Variant,
  region: string,
  imageId: pulumi.Output<string>,
): Pick<RegionalImage, "regionUrl" | "launchUrl"> {
  const filled = (url: string): pulumi.Output<string> =>
    imageId.apply((id) => url.replaceAll("{region}", region).replaceAll("{image_id}", id));
  return {
    ...(cloudRegionUrl === undefined ? {} : { regionUrl: filled(cloudRegionUrl) }),
    ...(cloudLaunchUrl === undefined ? {} : { launchUrl: filled(cloudLaunchUrl) }),
  };
}
