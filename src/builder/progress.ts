/**
 * Reports progress as short lines on stderr: `nocloud_alpine-…  45% 00:23 install packages`.
 *
 * Writes whole lines and never a carriage return: Pulumi's command provider hangs forever if it forwards 64 KiB
 * without a newline.
 */
export interface Progress {
  /** Starts a phase. `percent` is the overall progress, 0 to 100. */
  phase(name: string, percent: number): void;
  /** A remark within a phase. */
  note(text: string): void;
  /** Seconds that each phase has taken, in order. The last one is measured up to now. */
  seconds(): Record<string, number>;
}

/** Starts progress of one subject. `write` gets whole lines without their newline. */
export function startProgress(
  subject: string,
  write: (line: string) => void = (line) => process.stderr.write(`${line}\n`),
  now: () => number = () => performance.now(),
): Progress {
  const start = now();
  const phases: { name: string; at: number }[] = [];
  let reached = 0;
  const line = (text: string): void => {
    const elapsed = Math.floor((now() - start) / 1000);
    const clock = `${String(Math.floor(elapsed / 60)).padStart(2, "0")}:${String(elapsed % 60).padStart(2, "0")}`;
    write(`${subject} ${String(reached).padStart(3)}% ${clock} ${text}`);
  };
  return {
    phase(name, percent) {
      reached = percent;
      phases.push({ name, at: now() });
      line(name);
    },
    note: line,
    seconds() {
      const ends = [...phases.slice(1).map((phase) => phase.at), now()];
      const took: Record<string, number> = {};
      phases.forEach((phase, index) => {
        const seconds = ((ends[index] ?? phase.at) - phase.at) / 1000;
        took[phase.name] = Math.round(((took[phase.name] ?? 0) + seconds) * 10) / 10;
      });
      return took;
    },
  };
}
