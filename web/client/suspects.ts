/**
 * Which of several logs an address is refused for. The server refuses the address as a whole, so it is asked about
 * halves of it. Pure. When `k` of `n` logs are to blame, it takes about `k log n` questions.
 */
import type { Begin } from "./effects";

export class Suspects {
  /** Whether nothing was refused so far. */
  none = true;
  private readonly groups: (readonly Begin[])[];

  constructor(logs: readonly Begin[]) {
    this.groups = [logs];
  }

  /** The logs to ask about next, all in one question; undefined when all is known. */
  get next(): readonly Begin[] | undefined {
    return this.groups[0];
  }

  /** What was said of `next`: the log that is to blame, when that is known. */
  answered(refused: boolean): Begin | undefined {
    const [group = []] = this.groups.splice(0, 1);
    if (!refused) return undefined;
    this.none = false;
    if (group.length < 2) return group[0];
    const middle = group.length >> 1;
    this.groups.unshift(group.slice(0, middle), group.slice(middle));
    return undefined;
  }
}
