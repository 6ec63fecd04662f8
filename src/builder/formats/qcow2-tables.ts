/**
 * The tables of a qcow2 file, following the "Qcow2 Image File Format" in QEMU's documentation. Everything is where
 * qemu-img puts it, too: version 3, clusters of 64 KiB, refcounts of 16 bits, deflate, no optional features.
 */

/** Bytes of a cluster: the unit in which a disk is stored and compressed. */
export const clusterSize = 2 ** 16;
const clusterBits = 16;
/** Disks consist of sectors, and lengths of compressed clusters are counted in them. */
const sectorSize = 512;
const headerLength = 112;
/** An entry of an L1 or L2 table has 8 bytes. */
const entriesPerTable = clusterSize / 8;
/** A refcount has 2 bytes: in bits, 2 to the power of 4. */
const refcountsPerBlock = clusterSize / 2;
const refcountOrder = 4;
/** Where an L2 entry has the number of sectors. */
const sectorCountBit = BigInt(62 - (clusterBits - 8));
const compressed = 2n ** 62n;
/** The entry is the only reference to what it points to. */
const sole = 2n ** 63n;

/** A part of a file. */
export interface FilePart {
  position: number;
  bytes: Buffer;
}

/**
 * Places a disk's clusters in the file, one after the other, and keeps the tables that find them. Tables take 64 KiB of
 * memory for each 512 MiB of the disk with any content.
 */
export class Qcow2Tables {
  readonly #diskSize: number;
  readonly #l1: FilePart;
  /** By index in the L1 table. */
  readonly #l2 = new Map<number, FilePart>();
  readonly #refcountTable: FilePart;
  /** Each has the refcounts of 2 GiB of the file. */
  readonly #refcountBlocks: FilePart[] = [];
  /** The first cluster of the file that is not in use. */
  #next = clusterSize;
  /** Where the next compressed cluster may start; a cluster's start if there is no such place. */
  #room = 0;
  #end: number;

  /** @param diskSize bytes. Like qemu-img, this rounds the disk up to whole sectors of 512 bytes. */
  constructor(diskSize: number) {
    this.#diskSize = roundUp(diskSize, sectorSize);
    this.#refcountTable = { position: this.#newCluster(), bytes: Buffer.alloc(clusterSize) };
    this.#addRefcountBlock(this.#newCluster());
    const l1 = Buffer.alloc(Math.ceil(diskSize / (entriesPerTable * clusterSize)) * 8);
    this.#l1 = { position: this.#next, bytes: l1 };
    this.#end = this.#next + l1.length;
    for (let at = 0; at < l1.length; at += clusterSize) this.#newCluster();
    for (let at = 0; at < this.#next; at += clusterSize) this.#count(at);
  }

  /** Bytes of the file so far. Whole sectors, because that is what QEMU reads. */
  get fileSize(): number {
    return roundUp(this.#end, sectorSize);
  }

  /**
   * Places a cluster that is stored uncompressed. The last cluster of a disk is stored whole, too.
   * @param index its number on the disk. Clusters must come in order.
   * @returns where to write it
   */
  place(index: number): number {
    const table = this.#l2TableOf(index);
    const position = this.#newCluster();
    this.#count(position);
    this.#end = Math.max(this.#end, position + clusterSize);
    setEntry(table, index, BigInt(position) | sole);
    return position;
  }

  /**
   * Places a compressed cluster. It starts where the one before ends, and may continue in the file's next cluster.
   * @param index its number on the disk. Clusters must come in order.
   * @param length bytes that it has now: at most a cluster's
   * @returns where to write it
   */
  placeCompressed(index: number, length: number): number {
    const table = this.#l2TableOf(index);
    let position = this.#room;
    const left = roundUp(position, clusterSize) - position;
    if (left < length) {
      const cluster = this.#newCluster();
      if (left === 0 || position + left !== cluster) position = cluster;
    }
    const end = position + length;
    for (let at = position - (position % clusterSize); at < end; at += clusterSize) this.#count(at);
    this.#room = end;
    this.#end = Math.max(this.#end, end);
    const furtherSectors = Math.floor((end - 1) / sectorSize) - Math.floor(position / sectorSize);
    setEntry(table, index, BigInt(position) | (BigInt(furtherSectors) << sectorCountBit) | compressed);
    return position;
  }

  /** All that the file has besides the disk's clusters. Complete when all of these are placed. */
  *parts(): Generator<FilePart> {
    yield { position: 0, bytes: this.#header() };
    yield this.#refcountTable;
    yield* this.#refcountBlocks;
    yield this.#l1;
    yield* this.#l2.values();
  }

  #l2TableOf(index: number): Buffer {
    const number = Math.floor(index / entriesPerTable);
    let table = this.#l2.get(number);
    if (table === undefined) {
      table = { position: this.#newCluster(), bytes: Buffer.alloc(clusterSize) };
      this.#count(table.position);
      this.#l2.set(number, table);
      setEntry(this.#l1.bytes, number, BigInt(table.position) | sole);
    }
    return table.bytes;
  }

  /** Appends a cluster to the file. Its user counts the reference. */
  #newCluster(): number {
    if (this.#next % (refcountsPerBlock * clusterSize) === 0) {
      this.#addRefcountBlock(this.#next);
      this.#count(this.#next);
      this.#next += clusterSize;
    }
    const position = this.#next;
    this.#next += clusterSize;
    return position;
  }

  #addRefcountBlock(position: number): void {
    setEntry(this.#refcountTable.bytes, this.#refcountBlocks.length, BigInt(position));
    this.#refcountBlocks.push({ position, bytes: Buffer.alloc(clusterSize) });
  }

  /** Counts a reference to a cluster of the file. */
  #count(position: number): void {
    const cluster = position / clusterSize;
    const { bytes } = this.#refcountBlocks[Math.floor(cluster / refcountsPerBlock)]!;
    const at = (cluster % refcountsPerBlock) * 2;
    bytes.writeUInt16BE(bytes.readUInt16BE(at) + 1, at);
  }

  #header(): Buffer {
    // The last 8 bytes end the list of extensions.
    const header = Buffer.alloc(headerLength + 8);
    header.write("QFI\xfb", "latin1");
    header.writeUInt32BE(3, 4);
    header.writeUInt32BE(clusterBits, 20);
    header.writeBigUInt64BE(BigInt(this.#diskSize), 24);
    header.writeUInt32BE(this.#l1.bytes.length / 8, 36);
    header.writeBigUInt64BE(BigInt(this.#l1.position), 40);
    header.writeBigUInt64BE(BigInt(this.#refcountTable.position), 48);
    header.writeUInt32BE(this.#refcountTable.bytes.length / clusterSize, 56);
    header.writeUInt32BE(refcountOrder, 96);
    header.writeUInt32BE(headerLength, 100);
    return header;
  }
}

/** Sets an entry of a table. Tables are used in a circle, because each L2 table starts anew. */
function setEntry(table: Buffer, index: number, entry: bigint): void {
  table.writeBigUInt64BE(entry, (index % entriesPerTable) * 8);
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
