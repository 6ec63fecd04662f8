/** Writes an image's bill of materials (SBOM) in CycloneDX. */
import { Factories } from "@cyclonedx/cyclonedx-library/Contrib/License";
import {
  ComponentType,
  ExternalReferenceType,
  HashAlgorithm,
  LicenseAcknowledgement,
} from "@cyclonedx/cyclonedx-library/Enums";
import {
  Bom,
  Component,
  ExternalReference,
  ExternalReferenceRepository,
  HashDictionary,
  LicenseRepository,
  Property,
  PropertyRepository,
} from "@cyclonedx/cyclonedx-library/Models";
import { JSON as Json, JsonSerializer } from "@cyclonedx/cyclonedx-library/Serialize";
import { Spec1dot6 } from "@cyclonedx/cyclonedx-library/Spec";
import { PackageURL } from "packageurl-js";
import parseLicenseExpression from "spdx-expression-parse";
import { z } from "zod";
import type { Variant } from "../configuration/variant.ts";
import { defined } from "../lib/defined.ts";
import { releaseTime } from "../configuration/release-time.ts";
import { withoutVersion } from "./apk-index.ts";
import { builderVersion, derivedUuid } from "./inputs.ts";

/** An installed package, with the field names of apk's query. */
export const installedPackageSchema = z.object({
  name: z.string(),
  version: z.string(),
  arch: z.string().optional(),
  description: z.string().optional(),
  license: z.string().optional(),
  /** The package whose source it was built from. */
  origin: z.string().optional(),
  url: z.string().optional(),
  /** What it needs, as written: `so:libc.musl-x86_64.so.1`, `musl>=1.2`, `!other`. */
  depends: z.array(z.string()).default([]),
  /** What it offers besides its name: `cmd:apk=3.0.8-r0`. */
  provides: z.array(z.string()).default([]),
});
export type InstalledPackage = z.output<typeof installedPackageSchema>;

/** The image that the bill describes. */
export interface BilledImage {
  variant: Pick<Variant, "name" | "imageKey" | "release" | "releaseDate" | "revision">;
  sha256: string;
  sha512: string;
  inputsDigest: string;
  /** The mirror's logical name. */
  mirror: string;
  kernel: string;
  packages: readonly InstalledPackage[];
}

const licenses = new Factories.LicenseFactory(parseLicenseExpression);

/**
 * The bill of materials as text, always the same for the same image. In CycloneDX's terms an image is a `container`, a
 * packaging format that isolates its content. The system in it is the only component of type `operating-system`, which
 * tells vulnerability scanners whose advisories apply.
 */
export function sbomText(image: BilledImage): string {
  const { variant, packages } = image;
  const system = new Component(ComponentType.OperatingSystem, "alpine", {
    bomRef: "operating-system",
    version: variant.release,
  });
  const installed = packages
    .toSorted((left, right) => (left.name < right.name ? -1 : 1))
    .map((one) => [one, packageComponent(one, variant.release)] as const);
  for (const [one, component] of installed) {
    system.dependencies.add(component.bomRef);
    const needed = providers(one, packages);
    for (const [other, { bomRef }] of installed) if (needed.has(other)) component.dependencies.add(bomRef);
  }

  const bom = new Bom({ serialNumber: `urn:uuid:${derivedUuid("sbom", image.sha512)}` });
  // As everywhere in an image, the release date replaces the clock.
  bom.metadata.timestamp = new Date(releaseTime(variant) * 1000);
  bom.metadata.tools.components.add(
    new Component(ComponentType.Application, "alpine-cloud-images", { version: String(builderVersion) }),
  );
  bom.metadata.component = new Component(ComponentType.Container, variant.name, {
    bomRef: "image",
    version: `${variant.release}-r${variant.revision}`,
    hashes: new HashDictionary([
      [HashAlgorithm["SHA-256"], image.sha256],
      [HashAlgorithm["SHA-512"], image.sha512],
    ]),
    properties: new PropertyRepository(
      Object.entries({
        image_key: variant.imageKey,
        inputs_digest: image.inputsDigest,
        kernel: image.kernel,
        mirror: image.mirror,
      }).map(([name, value]) => new Property(`alpine-cloud-images:${name}`, value)),
    ),
  });
  bom.metadata.component.dependencies.add(system.bomRef);
  for (const component of [system, ...installed.map(([, component]) => component)]) {
    bom.components.add(component);
  }
  // Already sorted: the library's own sorting depends on the machine's locale.
  const serializer = new JsonSerializer(new Json.Normalize.Factory(Spec1dot6));
  return `${serializer.serialize(bom, { space: 2, sortLists: false })}\n`;
}

function packageComponent(one: InstalledPackage, release: string): Component {
  const { name, version, arch, origin, license, description, url } = one;
  const purl = new PackageURL(
    "apk",
    "alpine",
    name,
    version,
    {
      ...defined({ arch }),
      distro: `alpine-${release}`,
      // Scanners look up advisories by the name of the source package, so add it if it differs.
      ...(origin === undefined || origin === name ? {} : { upstream: origin }),
    },
    undefined,
  ).toString();
  return new Component(ComponentType.Library, name, {
    bomRef: purl,
    purl,
    version,
    description,
    licenses: new LicenseRepository(license === undefined ? [] : [declaredLicense(license)]),
    externalReferences: new ExternalReferenceRepository(
      url === undefined ? [] : [new ExternalReference(url, ExternalReferenceType.Website)],
    ),
  });
}

/** A licence as an SPDX id or expression if Alpine's text is one, otherwise as that text (`custom`). */
function declaredLicense(license: string): ReturnType<typeof licenses.makeFromString> {
  const made = licenses.makeFromString(license);
  made.acknowledgement = LicenseAcknowledgement.Declared;
  return made;
}

/** The installed packages that a package depends on: by name, otherwise all that provide the name. */
function providers(
  { depends }: InstalledPackage,
  packages: readonly InstalledPackage[],
): Set<InstalledPackage> {
  return new Set(
    depends.map(withoutVersion).flatMap((need) => {
      const named = packages.find(({ name }) => name === need);
      return named === undefined
        ? packages.filter(({ provides }) => provides.some((offer) => withoutVersion(offer) === need))
        : [named];
    }),
  );
}
