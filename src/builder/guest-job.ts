/** What build guests get, wherever they run. */
import type { Server } from "node:net";
import type { MirrorSettings, Repository } from "./mirror.ts";
import type { NamespaceHost } from "./namespace/abilities.ts";
import type { Progress } from "./progress.ts";
import type { Accelerator, Architecture } from "./qemu.ts";

/** Where a guest runs, and the appliance that it starts from. */
export type GuestPlace =
  | {
      kind: "vm";
      arch: Architecture;
      accelerator: Accelerator;
      /** The kernel file. */
      kernel: string;
      /** Its initramfs without a job, an uncompressed cpio archive. */
      archive: string;
    }
  | {
      kind: "namespace";
      host: NamespaceHost;
      /** The same for a VM of the host's architecture. */
      archive: string;
    };

/** A place of one kind. */
export type PlaceOf<Kind extends GuestPlace["kind"]> = Extract<GuestPlace, { kind: Kind }>;

/** A job for a build guest, and everything that the guest may access. */
export interface GuestJob {
  /** For messages: `image nocloud_alpine-…`. */
  what: string;
  place: GuestPlace;
  /** From `jobArchive`. */
  job: Buffer;
  repositories: readonly Repository[];
  mirror: MirrorSettings;
  /** A raw disk image for the guest to write, if it needs one. */
  disk?: string;
  /** A second disk, which other guests may be reading. */
  sharedDisk?: { file: string; readOnly: boolean };
  /** Whether the guest may read and write the cache that it shares with other guests. @default true */
  useCache?: boolean;
  /** Called when the guest has packed a base tree of this many bytes on the second disk. An error ends the guest. */
  onBaseMade?: (bytes: number) => Promise<void>;
  consoleLog: string;
  progress?: Progress;
  scratch: string;
  /** @default 1024 */
  memoryMib?: number;
  /** The guest is stopped after this long. @default 900 */
  deadlineSeconds?: number;
}

/** A guest that has been started. */
export interface StartedGuest {
  /** The lines that it reports. They end when it ends. */
  lines: AsyncIterable<string>;
  /** Resolves when it has ended, with its exit code (null if killed) and a message about its end, if there is one. */
  ended: Promise<{ exitCode: number | null; stderr: string }>;
  /** Ends it at once. */
  kill(): void;
  /** Call when it has ended. Loses nothing that it has reported. */
  close(): void;
}

/** Starts a job's guest in a place. @param proxy answers at the guest's only address; it does not listen yet */
export type StartGuest<Kind extends GuestPlace["kind"]> = (
  job: GuestJob,
  place: PlaceOf<Kind>,
  proxy: Server,
) => Promise<StartedGuest>;
