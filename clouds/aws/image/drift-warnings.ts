import type { Ami } from "@pulumi/aws/ec2/ami.js";
import * as pulumi from "@pulumi/pulumi";
import { imageName } from "../../../src/configuration/tags.ts";
import { awsOptionsOf } from "../options.ts";
import { amiBootMode } from "../rules.ts";
import type { ImageContext } from "./context.ts";

/** Warns of attributes that the configuration has changed since the AMI was registered: an AMI's attributes cannot change. */
export function warnOfDrift({ name: key, args, parent }: ImageContext, ami: Ami): void {
  const { variant } = args.image;
  const options = awsOptionsOf(variant);
  const wanted = {
    name: imageName(variant),
    bootMode: amiBootMode(variant),
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
  // Each attribute separately: if a state lacks one, it is unknown at preview, and would silence the others.
  for (const attribute of Object.keys(wanted) as (keyof typeof wanted)[]) {
    attributes[attribute].apply((found) => {
      if (found === undefined || found === wanted[attribute]) return;
      const message = `${key} was registered with ${attribute} ${String(found)}, but the configuration now says ${String(wanted[attribute])}; revise the release to publish it again`;
      void pulumi.log.warn(message, parent);
    });
  }
}
