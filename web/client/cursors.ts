/**
 * Where a client stands in each log it listens to: what to ask for when it comes back, and what of that which
 * comes is new. Pure: no socket, no clock.
 *
 * Always true: every event up to `after` of a log was handed on, once and in order, and none after it.
 */
import type { LogEvent, LogName } from "./wire";
import { firstOf, logOf, positionAfter } from "./wire";

export interface Wish {
  /** What was applied already: a seq, or a cursor `EPOCH:SEQ`. Absent: what comes from now on. */
  readonly after?: number | string;
  /**
   * More than this is not replayed: the log goes on from its head, and `behind` is told, so that its reader
   * reads the newest page instead. By default everything is replayed.
   */
  readonly replay?: number;
}

interface Standing {
  after: number | undefined;
  replay: number;
  /** Asked for and not answered yet: what comes meanwhile is of an older asking, and is not wanted. */
  asked: boolean;
}

export type Taken =
  | "new"
  /** New, but what should have come before it has not. */
  | "hole"
  | "repeat"
  | "unwanted";

export class Cursors {
  /** Which history the numbers are of; "" until somebody says. */
  epoch = "";
  private readonly logs = new Map<LogName, Standing>();

  names(): LogName[] {
    return [...this.logs.keys()];
  }

  has(log: LogName): boolean {
    return this.logs.has(log);
  }

  set(log: LogName, wish: Wish): void {
    let { after } = wish;
    if (typeof after === "string") {
      const colon = after.lastIndexOf(":");
      if (colon > 0 && !this.epoch) this.epoch = after.slice(0, colon);
      after = Number(after.slice(colon + 1));
    }
    if (after !== undefined && !(Number.isSafeInteger(after) && after >= 0)) throw new RangeError(`no cursor: ${wish.after}`);
    this.logs.set(log, { after, replay: wish.replay ?? Infinity, asked: false });
  }

  /** How much may be replayed from now on. */
  allow(log: LogName, replay: number): void {
    const standing = this.logs.get(log);
    if (standing) standing.replay = replay;
  }

  delete(log: LogName): void {
    this.logs.delete(log);
  }

  position(log: LogName): number | undefined {
    return this.logs.get(log)?.after;
  }

  /** The cursor to come back with; undefined for the head. */
  cursor(log: LogName): string | undefined {
    const after = this.logs.get(log)?.after;
    if (after === undefined) return undefined;
    return this.epoch ? `${this.epoch}:${after}` : String(after);
  }

  /** Forget where one stood: go on from the head. */
  restart(log: LogName): void {
    const standing = this.logs.get(log);
    if (standing) standing.after = undefined;
  }

  ask(log: LogName): void {
    const standing = this.logs.get(log);
    if (standing) standing.asked = true;
  }

  /** No answer will come to what was asked: the next connection asks anew, or needs not to. */
  forgetAsking(): void {
    for (const standing of this.logs.values()) standing.asked = false;
  }

  /** Take the answer to a subscription. `behind`: more would come than is wanted; begin at the head. */
  subscribed(log: LogName, head: number): "ready" | "behind" {
    const standing = this.logs.get(log);
    if (!standing) return "ready";
    if (standing.after !== undefined && head - standing.after > standing.replay) {
      standing.after = undefined;
      return "behind";
    }
    standing.asked = false;
    standing.after ??= head;
    return "ready";
  }

  take(event: LogEvent): Taken {
    const standing = this.logs.get(logOf(event));
    if (!standing || standing.asked) return "unwanted";
    const before = standing.after;
    const position = positionAfter(event);
    if (before !== undefined && position <= before) return "repeat";
    standing.after = position;
    return before !== undefined && firstOf(event) > before + 1 ? "hole" : "new";
  }
}
