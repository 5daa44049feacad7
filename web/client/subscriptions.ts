/**
 * What was asked of the connection there is, log by log, and what the server says to it. Pure: it answers with
 * effects.
 *
 * Always true: of several askings for one log only the answer to the last one counts.
 */
import type { Cursors } from "./cursors";
import { type Effect, named, type WhyBehind } from "./effects";
import { type ErrorFrame, type LogName, logOf, type Subscribed } from "./wire";

const BY_TICKET = 0;

export class Subscriptions {
  /** Without an answer yet, by the `ref` that their answer will carry. */
  private readonly asked = new Map<LogName, number>();
  /** Logs for which the connection has no place. */
  private readonly aside = new Set<LogName>();
  private refs = BY_TICKET;

  constructor(
    private readonly cursors: Cursors,
    private readonly push: (effect: Effect) => void,
  ) {}

  get allAnswered(): boolean {
    return this.asked.size === 0;
  }

  get allHavePlace(): boolean {
    return this.aside.size === 0;
  }

  hasPlace(log: LogName): boolean {
    return !this.aside.has(log);
  }

  /** The connection is gone, and with it whatever was asked of it. */
  clear(): void {
    this.asked.clear();
    this.aside.clear();
    this.cursors.forgetAsking();
  }

  subscribe(log: LogName): void {
    const after = this.cursors.cursor(log);
    const ref = ++this.refs;
    this.aside.delete(log);
    this.asked.set(log, ref);
    this.cursors.ask(log);
    this.say({ type: "subscribe", ref, ...named(log), ...(after === undefined ? {} : { after }) });
  }

  /** The connection's ticket has asked for it already. */
  subscribedByTicket(log: LogName): void {
    this.asked.set(log, BY_TICKET);
    this.cursors.ask(log);
  }

  unsubscribe(log: LogName): void {
    this.say({ type: "unsubscribe", ref: ++this.refs, ...named(log) });
  }

  delete(log: LogName): void {
    this.cursors.delete(log);
    this.asked.delete(log);
    this.aside.delete(log);
  }

  /** Go on from the head, and say so. */
  startAnew(log: LogName, why: WhyBehind): void {
    this.cursors.restart(log);
    this.push({ do: "behind", log, why });
  }

  /** It cannot be listened to. */
  forget(log: LogName, code: string): void {
    if (!this.cursors.has(log)) return;
    this.delete(log);
    this.push({ do: "refused", log, code });
  }

  // -- what the server says -------------------------------------------------

  subscribed(frame: Subscribed): void {
    const log = logOf(frame);
    const expected = this.asked.get(log);
    if (expected === undefined || (expected !== BY_TICKET && expected !== frame.ref)) return;
    this.asked.delete(log);
    if (this.cursors.subscribed(log, frame.head) === "behind") {
      this.push({ do: "behind", log, why: "too-much" });
      this.unsubscribe(log);
      this.subscribe(log);
    } else {
      this.push({ do: "head", log, head: frame.head });
    }
  }

  /** Whether the connection can go on; the server may have too much to do for it. */
  refused(frame: ErrorFrame): boolean {
    const log = [...this.asked].find(([, ref]) => ref === frame.ref)?.[0];
    if (log === undefined) return true;
    this.asked.delete(log);
    const code = frame.problem.slice("/problems/".length);
    if (code === "stale-cursor") {
      this.startAnew(log, "another-history");
      this.subscribe(log);
    } else if (code === "too-many") {
      this.aside.add(log);
    } else if (frame.status === 429 || frame.status >= 500) {
      return false;
    } else {
      this.forget(log, code);
    }
    return true;
  }

  private say(frame: object): void {
    this.push({ do: "send", frame });
  }
}
