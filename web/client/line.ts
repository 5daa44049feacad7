/**
 * What a client says and does to hear many logs over one connection, whatever happens to that connection: which
 * to open, what to ask for, what of that which comes to hand on, and when to come back. Pure: it is told what
 * happened and answers with effects, which the shell (`Listener`) carries out. No socket, no clock.
 *
 * Always true:
 *   * at most one connection is wanted at a time, and at most one time to be woken at;
 *   * each event of a log is handed on once and in order (`Cursors`);
 *   * `live` is told when everything that was asked for has been answered, and not before.
 */
import type { Backoff } from "./backoff";
import { Cursors, type Wish } from "./cursors";
import { type Begin, type Effect, type LinePhase, named, queryOf, type Transport, type WhyBehind } from "./effects";
import type { Problem } from "./problem";
import { type Bye, type ErrorFrame, isLogEvent, type LogEvent, logOf, type LogName, type ServerFrame } from "./wire";

export interface LineOptions {
  readonly transports: readonly Transport[];
  /** Whether addresses carry a ticket, and so name what may be heard there, or the cookie speaks. */
  readonly tickets: boolean;
}

/** A server answers a request at once: after this long without an answer the connection is given up. */
const ANSWER_SECONDS = 10;
const OPEN_SECONDS = 15;
/** Openings in a row that failed while the server answered otherwise: WebSockets do not come through. */
const BLOCKED_AFTER = 2;
/** How long an event stream is kept before a WebSocket is tried again. */
const STREAM_SECONDS = 300;
/** How often a stream is thought about; a WebSocket's server says how often it pings. */
const STREAM_CHECK_SECONDS = 25;
/** What the query of an address may hold: proxies often take 8 KB of address in all. */
const ADDRESS_CHARACTERS = 6000;

const ALIVE = "alive";
const BY_TICKET = 0;

export class Line {
  readonly cursors = new Cursors();
  private effects: Effect[] = [];
  private phase: "stopped" | "idle" | "opening" | "open" | "asking" | "waiting" = "stopped";
  private over: Transport = "websocket";
  private due: "opening" | "quiet" | "answer" | "retry" | "reopen" = "retry";
  /** The logs that the connection's address names. */
  private carried: readonly LogName[] = [];
  /** Subscriptions without an answer yet, by the `ref` that their answer will carry. */
  private readonly asked = new Map<LogName, number>();
  /** Logs for which the connection has no place. */
  private readonly aside = new Set<LogName>();
  private refs = BY_TICKET;
  private preferred: LogName | undefined;
  private isLive = false;
  private heard = false;
  private pingSeconds = STREAM_CHECK_SECONDS;
  private streamedSeconds = 0;
  private blocked = 0;
  private retryAfterSeconds: number | undefined;

  constructor(
    private readonly backoff: Backoff,
    private readonly options: LineOptions,
  ) {}

  /** What is to be done now, in this order. */
  take(): readonly Effect[] {
    const effects = this.effects;
    this.effects = [];
    return effects;
  }

  /** Whether everything that is listened to is on the connection there is. */
  get complete(): boolean {
    return this.aside.size === 0 && (!this.named || this.carried.length === this.cursors.names().length);
  }

  /** Whether what comes in this log is heard, or will be, from where one stands. */
  hears(log: LogName): boolean {
    return this.cursors.has(log) && !this.aside.has(log) && (!this.named || this.carried.includes(log));
  }

  // -- what is wanted -------------------------------------------------------

  start(): void {
    if (this.phase === "stopped") this.open();
  }

  stop(): void {
    if (this.phase === "stopped") return;
    this.leaveConnection();
    this.phase = "stopped";
    this.effects.push({ do: "sleep" });
    this.tell({ state: "stopped" });
  }

  /** Listen to a log. Naming one again has it go on from the new wish. */
  listen(log: LogName, wish: Wish): void {
    const isOn = this.phase === "open" && this.hears(log);
    this.cursors.set(log, wish);
    if (this.phase === "idle") this.open();
    else if (this.named) this.reopen();
    else if (this.phase === "open") {
      if (isOn) this.say({ type: "unsubscribe", ref: ++this.refs, ...named(log) });
      this.subscribe(log);
    }
  }

  allow(log: LogName, replay: number): void {
    this.cursors.allow(log, replay);
  }

  leave(log: LogName): void {
    if (!this.cursors.has(log)) return;
    const isOn = this.phase === "open" && this.hears(log);
    this.cursors.delete(log);
    this.asked.delete(log);
    this.aside.delete(log);
    if (this.over === "event-stream" && this.named) this.reopen();
    else if (isOn) this.say({ type: "unsubscribe", ref: ++this.refs, ...named(log) });
    this.liveWhenAnswered();
  }

  /** The log that has to be heard even when not all fit. */
  prefer(log: LogName | undefined): void {
    this.preferred = log;
  }

  /** Connect now rather than when the time has come; a live connection is left alone. */
  reconnect(): void {
    if (this.phase === "waiting") this.open();
  }

  /** The network may have gone without a word: find out now. */
  doubt(): void {
    if (this.phase === "waiting") this.open();
    else if (this.phase === "open" && this.over === "websocket") this.askWhetherAlive();
    else if (this.phase === "open") this.reopen();
  }

  // -- what happened --------------------------------------------------------

  /** The event stream is open. */
  connected(): void {
    if (this.phase !== "opening" || this.over !== "event-stream") return;
    this.phase = "open";
    this.cursors.forgetAsking();
    this.streamedSeconds = 0;
    this.live();
    this.wake("quiet", STREAM_CHECK_SECONDS);
  }

  received(frame: ServerFrame): void {
    if (this.phase !== "opening" && this.phase !== "open") return;
    this.heard = true;
    if (this.due === "answer") this.wake("quiet", this.pingSeconds);
    switch (frame.type) {
      case "hello":
        this.pingSeconds = frame.ping_seconds;
        this.greeted(frame.user, frame.epoch);
        break;
      case "subscribed":
        this.subscribed(logOf(frame), frame.ref, frame.head);
        break;
      case "error":
        this.refused(frame);
        break;
      case "mark":
        this.effects.push({ do: "mark", mark: frame });
        break;
      case "bye":
        this.bye(frame);
        break;
      default:
        if (isLogEvent(frame)) this.event(frame);
    }
  }

  /** The connection is gone, or did not come about. */
  closed(code?: number): void {
    if (this.phase !== "opening" && this.phase !== "open") return;
    const neverOpened = this.phase === "opening";
    const logs = this.begins();
    this.leaveConnection();
    if (code === 4401) return this.end("signed-out");
    this.isLive = false;
    if (!neverOpened) return this.comeBack();
    this.phase = "asking";
    this.tell({ state: "connecting" });
    this.effects.push({ do: "ask", logs: this.over === "event-stream" ? logs : [] });
    this.effects.push({ do: "sleep" });
  }

  /** The address to open could not be had. */
  denied(problem: Problem): void {
    if (this.phase !== "opening") return;
    this.leaveConnection();
    this.phase = "asking";
    this.answered(problem);
  }

  /** What the plain request was answered: nothing stands in the way, or this does. */
  answered(problem: Problem | undefined): void {
    if (this.phase !== "asking") return;
    if (problem?.signedOut) return this.end("signed-out");
    if (problem === undefined) {
      this.blocked = this.over === "websocket" ? this.blocked + 1 : 0;
      if (this.blocked === BLOCKED_AFTER && this.has("event-stream")) return this.open();
    } else if (problem.code === "stale-cursor") {
      for (const log of this.cursors.names()) this.startAnew(log, "another-history");
    } else if (problem.code === "no-such-room" && this.cursors.names().length === 1) {
      for (const log of this.cursors.names()) this.forget(log, problem.code);
    }
    this.retryAfterSeconds = problem?.retryAfter;
    this.comeBack();
  }

  /** The time that was asked for has come. */
  woken(): void {
    const { due } = this;
    this.due = "retry";
    switch (due) {
      case "retry":
      case "reopen":
        return this.open();
      case "opening":
      case "answer":
        return this.closed();
      case "quiet":
        return this.quiet();
    }
  }

  // -- opening --------------------------------------------------------------

  private has(transport: Transport): boolean {
    return this.options.transports.includes(transport);
  }

  /** Whether the address of the connection that is open, or being opened, names what is heard on it. */
  private get named(): boolean {
    return (this.phase === "opening" || this.phase === "open") && (this.options.tickets || this.over === "event-stream");
  }

  private open(): void {
    this.leaveConnection();
    const isBlocked = this.blocked >= BLOCKED_AFTER || !this.has("websocket");
    this.over = isBlocked && this.has("event-stream") ? "event-stream" : "websocket";
    const names = this.options.tickets || this.over === "event-stream";
    this.carried = names ? this.fitting() : [];
    this.tell({ state: "connecting" });
    if (names && this.carried.length === 0) {
      this.phase = "idle"; // there is nothing to listen to yet
      this.effects.push({ do: "sleep" });
      return;
    }
    this.phase = "opening";
    this.effects.push({ do: "open", over: this.over, logs: this.begins() });
    this.wake("opening", OPEN_SECONDS);
  }

  /** Open anew for other logs; once, when several come and go in the same turn. */
  private reopen(): void {
    this.wake("reopen", 0);
  }

  private leaveConnection(): void {
    if (this.phase === "opening" || this.phase === "open") this.effects.push({ do: "close" });
    this.asked.clear();
    this.aside.clear();
    this.cursors.forgetAsking();
    this.heard = false;
    this.due = "retry";
  }

  private comeBack(): void {
    const seconds = this.retryAfterSeconds ?? this.backoff.next();
    this.retryAfterSeconds = undefined;
    this.phase = "waiting";
    this.tell({ state: "waiting", seconds });
    this.wake("retry", seconds);
  }

  private end(reason: string): void {
    this.stop();
    this.effects.push({ do: "end", reason });
  }

  private live(): void {
    this.isLive = true;
    this.tell({ state: "live", transport: this.over });
  }

  private liveWhenAnswered(): void {
    if (this.phase === "open" && !this.isLive && this.asked.size === 0) this.live();
  }

  private tell(phase: LinePhase): void {
    if (phase.state !== "live") this.isLive = false;
    this.effects.push({ do: "state", phase });
  }

  private wake(due: typeof this.due, seconds: number): void {
    if (this.due === "reopen") return; // at once, and nothing is sooner
    this.due = due;
    this.effects.push({ do: "wake", seconds });
  }

  // -- quiet ----------------------------------------------------------------

  private quiet(): void {
    this.backoff.succeeded(); // it has lasted: the next trouble is another
    if (this.over === "event-stream") {
      this.streamedSeconds += STREAM_CHECK_SECONDS;
      if (this.streamedSeconds >= STREAM_SECONDS && this.has("websocket")) {
        this.blocked = BLOCKED_AFTER - 1;
        return this.open();
      }
      return this.wake("quiet", STREAM_CHECK_SECONDS);
    }
    if (!this.heard) return this.askWhetherAlive();
    this.heard = false;
    this.wake("quiet", this.pingSeconds);
  }

  /** Browsers answer pings without telling: so ask something of our own, which changes nothing. */
  private askWhetherAlive(): void {
    this.say({ type: "unsubscribe", ref: ALIVE, room: "-" });
    this.wake("answer", ANSWER_SECONDS);
  }

  // -- what the server says -------------------------------------------------

  private greeted(user: string, epoch: string): void {
    if (this.phase !== "opening") return;
    this.phase = "open";
    this.blocked = 0;
    this.effects.push({ do: "greet", user });
    this.enter(epoch);
    this.wake("quiet", this.pingSeconds);
    if (this.options.tickets) {
      for (const log of this.carried) {
        this.asked.set(log, BY_TICKET);
        this.cursors.ask(log);
      }
    } else {
      for (const log of this.inOrder()) this.subscribe(log);
    }
    this.liveWhenAnswered();
  }

  /** The server says which history its numbers are of. */
  private enter(epoch: string): void {
    const before = this.cursors.epoch;
    this.cursors.epoch = epoch;
    if (before && before !== epoch) {
      for (const log of this.cursors.names()) this.startAnew(log, "another-history");
    }
  }

  private startAnew(log: LogName, why: WhyBehind): void {
    this.cursors.restart(log);
    this.effects.push({ do: "behind", log, why });
  }

  private subscribe(log: LogName): void {
    const after = this.cursors.cursor(log);
    const ref = ++this.refs;
    this.aside.delete(log);
    this.asked.set(log, ref);
    this.cursors.ask(log);
    this.say({ type: "subscribe", ref, ...named(log), ...(after === undefined ? {} : { after }) });
  }

  private subscribed(log: LogName, ref: unknown, head: number): void {
    const expected = this.asked.get(log);
    if (expected === undefined || (expected !== BY_TICKET && expected !== ref)) return;
    this.asked.delete(log);
    if (this.cursors.subscribed(log, head) === "behind") {
      this.effects.push({ do: "behind", log, why: "too-much" });
      this.say({ type: "unsubscribe", ref: ++this.refs, ...named(log) });
      this.subscribe(log);
      return;
    }
    this.effects.push({ do: "head", log, head });
    this.liveWhenAnswered();
  }

  private refused(frame: ErrorFrame): void {
    const log = [...this.asked].find(([, ref]) => ref === frame.ref)?.[0];
    if (log === undefined) return;
    this.asked.delete(log);
    const code = frame.problem.slice("/problems/".length);
    if (code === "stale-cursor") {
      this.startAnew(log, "another-history");
      this.subscribe(log);
    } else if (code === "too-many") {
      this.aside.add(log);
    } else if (frame.status === 429 || frame.status >= 500) {
      this.retryAfterSeconds = frame.retry_after;
      this.closed();
    } else {
      this.forget(log, code);
    }
    this.liveWhenAnswered();
  }

  private forget(log: LogName, code: string): void {
    this.cursors.delete(log);
    this.effects.push({ do: "refused", log, code });
  }

  private event(event: LogEvent): void {
    const taken = this.cursors.take(event);
    if (taken === "hole") this.effects.push({ do: "behind", log: logOf(event), why: "hole" });
    if (taken === "new" || taken === "hole") this.effects.push({ do: "event", event });
  }

  private bye(bye: Bye): void {
    if (bye.reason === "signed-out" || bye.reason === "expired" || bye.reason === "disabled") this.end(bye.reason);
    else this.retryAfterSeconds = bye.retry_after;
  }

  private say(frame: object): void {
    this.effects.push({ do: "send", frame });
  }

  // -- which logs -----------------------------------------------------------

  /** The inbox and the preferred log first. */
  private inOrder(): readonly LogName[] {
    const names = this.cursors.names();
    return [...new Set([...names.filter((log) => log === "inbox" || log === this.preferred), ...names])];
  }

  /** As many logs as an address holds. */
  private fitting(): readonly LogName[] {
    let size = 0;
    return this.inOrder().filter((log) => (size += queryOf([this.begin(log)]).length + 1) <= ADDRESS_CHARACTERS);
  }

  private begins(): readonly Begin[] {
    return this.carried.map((log) => this.begin(log));
  }

  private begin(log: LogName): Begin {
    const after = this.cursors.cursor(log);
    return after === undefined ? { log } : { log, after };
  }
}
