/**
 * Where a client stands in each log it listens to: what to ask for when it comes back, and what of that which
 * comes is new. Pure: no socket, no clock.
 *
 * Always true: every event up to `after` of a log was handed on, once and in order, and none after it.
 */
import type { LogEvent, LogName, Subscribed } from "./wire";
import { logOf, positionAfter } from "./wire";

export interface Wish {
  /** The seq of the last event that was applied; absent: what comes from now on. */
  readonly after?: number;
  /**
   * More than this is not replayed: the log goes on from its head, and `behind` is told, so that its reader
   * reads the newest page instead. By default everything is replayed.
   */
  readonly replay?: number;
}

interface Standing {
  after: number | undefined;
  readonly replay: number;
  /** Whether it is being skipped to the head: what comes meanwhile is not wanted. */
  skipping: boolean;
}

export type Seen = "new" | "repeat" | "unwanted";

export class Cursors {
  epoch = "";
  private readonly logs = new Map<LogName, Standing>();

  names(): LogName[] {
    return [...this.logs.keys()];
  }

  has(log: LogName): boolean {
    return this.logs.has(log);
  }

  set(log: LogName, wish: Wish): void {
    this.logs.set(log, { after: wish.after, replay: wish.replay ?? Infinity, skipping: false });
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

  /** Forget where one stood: the log is of another history, or too far ahead. */
  restart(log: LogName): void {
    const standing = this.logs.get(log);
    if (standing) standing.after = undefined;
  }

  /** Take the answer to a subscription. `behind`: too much would come; unsubscribe and begin at the head. */
  subscribed(frame: Subscribed): "ready" | "behind" {
    const standing = this.logs.get(logOf(frame));
    if (!standing) return "ready";
    standing.skipping = false;
    if (standing.after === undefined) {
      standing.after = frame.head;
      return "ready";
    }
    if (frame.head - standing.after <= standing.replay) return "ready";
    standing.skipping = true;
    standing.after = undefined;
    return "behind";
  }

  take(event: LogEvent): Seen {
    const standing = this.logs.get(logOf(event));
    if (!standing || standing.skipping) return "unwanted";
    const position = positionAfter(event);
    if (standing.after !== undefined && position <= standing.after) return "repeat";
    standing.after = position;
    return "new";
  }
}
