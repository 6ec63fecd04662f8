/** Edits the ledger's text, and keeps its comments and its order. */
import { isMap, isSeq, type Document, type YAMLMap, type YAMLSeq } from "yaml";
import { compact, expand, parseLedger, stateOf, type Entry, type Ledger } from "./ledger.ts";
import { compareValues, excludedBy, type Configuration } from "./load.ts";
import type { Match } from "./schema.ts";
import { ConfigError, parseSource, suggest } from "./source.ts";

/** One image of an entry, with the names that selections use. */
export interface LedgerImage {
  dimensions: Record<string, string>;
  configKey: string;
  imageKey: string;
  revision: number;
}

export function imagesOf(entry: Entry, dimensions: readonly string[]): LedgerImage[] {
  return entry.images
    .flatMap((block) => expand({ version: entry.version, ...block }, dimensions))
    .map((image) => ({
      dimensions: image,
      configKey: Object.values(image).join("-"),
      imageKey: Object.values({ ...image, version: entry.release }).join("-"),
      revision: entry.revision,
    }));
}

/** Every image of a version that the configuration currently allows. */
export function imagesToday(config: Configuration, version: string): Record<string, string>[] {
  const all = Object.fromEntries(config.dimensions.map((name) => [name, config.values.get(name) ?? []]));
  return expand({ ...all, version }, config.dimensions).filter(
    (image) => excludedBy(config, image) === undefined,
  );
}

export const label = ({ release, revision }: Pick<Entry, "release" | "revision">): string =>
  `${release}-r${revision}`;

/** Finds an entry by `3.23.6-r0`, or the newest entry of `3.23.6` or `3.23`. */
export function findEntry(ledger: Ledger, name: string): Entry {
  const found =
    ledger.entries.find((entry) => label(entry) === name) ??
    newest(ledger.entries.filter(({ release }) => release === name)) ??
    newest(ledger.entries.filter(({ version }) => version === name));
  if (found) return found;
  const message = `unknown entry "${name}"${suggest(
    name,
    ledger.entries.flatMap((entry) => [label(entry), entry.release]),
  )}`;
  throw new ConfigError([{ code: "unknown-entry", file: ledger.source.file, path: "", message }]);
}

/** The newest entry: by the release's date, then the release, then the revision. */
export function newest(entries: readonly Entry[]): Entry | undefined {
  return [...entries]
    .sort(
      (a, b) =>
        a.date.localeCompare(b.date) || compareReleases(a.release, b.release) || a.revision - b.revision,
    )
    .at(-1);
}

/** Sorts 3.23.0_rc1 before 3.23.0 before 3.23.10. */
export function compareReleases(a: string, b: string): number {
  const final = (release: string) => (release.includes("_") ? release : `${release}_z`);
  return compareValues(final(a), final(b));
}

/** Edits a ledger's document. `text` checks the result before it returns it. */
export class LedgerEditor {
  readonly #document: Document.Parsed;
  readonly #ledger: Ledger;
  readonly #dimensions: readonly string[];

  constructor(ledger: Ledger, dimensions: readonly string[]) {
    this.#ledger = ledger;
    this.#document = ledger.source.document!.clone() as Document.Parsed;
    this.#dimensions = dimensions.filter((name) => name !== "version");
  }

  /** The changed file. Throws ConfigError if it is no longer a ledger. */
  text(): string {
    const text = this.#document.toString({ lineWidth: 0, flowCollectionPadding: false });
    parseLedger(parseSource(text, this.#ledger.source.file));
    return text;
  }

  /** An existing version keeps its place; a new one is inserted in numeric order. */
  setVersion(version: string, endOfLife: string): void {
    const node = this.#version(version);
    if (node.has("endOfLife")) node.set("endOfLife", endOfLife);
    else node.items.unshift(this.#document.createPair("endOfLife", endOfLife));
  }

  /** Adds an entry at the end of its version. */
  append(
    version: string,
    entry: Omit<Entry, "version" | "path" | "place" | "endOfLife"> & { endOfLife?: string },
  ): void {
    const { images, ...rest } = entry;
    const node = this.#document.createNode(rest) as YAMLMap;
    node.set("images", this.#blocks(images));
    const list = this.#version(version).get("entries", true) as unknown as YAMLSeq;
    list.flow = false;
    list.add(node);
  }

  setStage(entry: Entry, stage: string): void {
    this.#entry(entry).set("stage", stage);
  }

  /** Marks exactly these images of the entry. */
  setFlag(entry: Entry, field: "withdraw" | "removing", images: readonly LedgerImage[]): void {
    const node = this.#entry(entry);
    if (images.length === 0) node.delete(field);
    else if (images.length === imagesOf(entry, ["version", ...this.#dimensions]).length)
      node.set(field, true);
    else node.set(field, this.#blocks(this.#compact(images)));
  }

  /** Retires exactly these images, each from its day on. */
  setRetired(entry: Entry, days: ReadonlyMap<LedgerImage, string>): void {
    const node = this.#entry(entry);
    const all = imagesOf(entry, ["version", ...this.#dimensions]).length;
    const different = [...new Set(days.values())].sort();
    if (days.size === 0) node.delete("retired");
    else if (days.size === all && different.length === 1) node.set("retired", different[0]);
    else {
      const list = different.map((on) => {
        const group = this.#document.createNode({ on }) as YAMLMap;
        const images = [...days].filter(([, day]) => day === on).map(([image]) => image);
        group.set("images", this.#blocks(this.#compact(images)));
        return group;
      });
      const seq = this.#document.createNode([]) as YAMLSeq;
      list.forEach((group) => seq.add(group));
      node.set("retired", seq);
    }
  }

  /**
   * Drops these images, and the entry if no image is left. That shifts the entries after it: to drop from several entries of a
   * version, start with the last.
   */
  drop(entry: Entry, images: readonly LedgerImage[]): void {
    const gone = new Set(images.map(({ imageKey }) => imageKey));
    const rest = imagesOf(entry, ["version", ...this.#dimensions]).filter(
      ({ imageKey }) => !gone.has(imageKey),
    );
    if (rest.length === 0) {
      this.#document.deleteIn(entry.path);
      return;
    }
    const states = rest.map((image) => ({ image, state: stateOf(entry, image.dimensions) }));
    const smaller: Entry = { ...entry, images: this.#compact(rest) };
    this.#entry(entry).set("images", this.#blocks(smaller.images));
    this.setFlag(
      smaller,
      "removing",
      states.flatMap(({ image, state }) => (state.removing ? [image] : [])),
    );
    this.setFlag(
      smaller,
      "withdraw",
      states.flatMap(({ image, state }) => (state.withdraw ? [image] : [])),
    );
    const retired = states.flatMap(({ image, state }) =>
      state.retired ? [[image, state.retired] as const] : [],
    );
    this.setRetired(smaller, new Map(retired));
  }

  #entry(entry: Entry): YAMLMap {
    return this.#document.getIn(entry.path, true) as YAMLMap;
  }

  #version(version: string): YAMLMap {
    const versions = this.#document.get("versions", true) as YAMLMap;
    const known = versions.get(version, true) as unknown;
    if (isMap(known)) {
      if (!isSeq(known.get("entries", true))) known.set("entries", this.#document.createNode([]));
      return known;
    }
    const key = this.#document.createNode(version);
    if (/^\d/.test(version)) (key as { type?: string }).type = "QUOTE_DOUBLE";
    const pair = this.#document.createPair(key, { entries: [] });
    const later = versions.items.findIndex(({ key }) => compareValues(String(key), version) > 0);
    versions.items.splice(later < 0 ? versions.items.length : later, 0, pair as never);
    versions.flow = false;
    return pair.value as unknown as YAMLMap;
  }

  #compact(images: readonly LedgerImage[]): Match[] {
    return compact(
      images.map(({ dimensions }) => dimensions),
      this.#dimensions,
    );
  }

  /** Writes products readably: one line per dimension, with all its values. */
  #blocks(blocks: readonly Match[]): YAMLSeq {
    const seq = this.#document.createNode(blocks) as unknown as YAMLSeq<YAMLMap>;
    for (const block of seq.items) {
      for (const { value } of block.items) if (isSeq(value)) value.flow = true;
    }
    return seq;
  }
}
