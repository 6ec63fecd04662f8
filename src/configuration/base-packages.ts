/** The packages that images share regardless of bootstrap and cloud: the builder installs them once. */
import { sortPackages, type Packages } from "./finalize.ts";
import { excludedBy, type Configuration } from "./load.ts";
import { mergeLayers } from "./merge.ts";

/** Dimensions that only add to a complete base system. */
const addedLater = ["bootstrap", "cloud"];

type Image = Readonly<Record<string, string>>;

/**
 * The packages that an image shares with every image that differs from it only in bootstrap and cloud. Images count even if no
 * ledger names them, so the result depends on the layers alone.
 */
export function basePackages(config: Configuration, image: Image): string[] {
  const lists = addedLater
    .reduce<Image[]>(
      (images, dimension) =>
        images.flatMap((one) =>
          (config.values.get(dimension) ?? []).map((value) => ({ ...one, [dimension]: value })),
        ),
      [image],
    )
    .filter((relative) => excludedBy(config, relative) === undefined)
    .map((relative) =>
      sortPackages((mergeLayers(config.chain(relative), relative).packages ?? {}) as Packages),
    );
  const [first, ...others] = lists.map(({ add }) => add);
  return (first ?? []).filter((name) => others.every((list) => list.includes(name)));
}

/** `basePackages`, computed once for images that share them. */
export function basePackagesOf(config: Configuration): (image: Image) => string[] {
  const known = new Map<string, string[]>();
  return (image) => {
    const shared = Object.entries(image).filter(([dimension]) => !addedLater.includes(dimension));
    const key = JSON.stringify(shared);
    let packages = known.get(key);
    if (packages === undefined) known.set(key, (packages = basePackages(config, image)));
    return packages;
  };
}
