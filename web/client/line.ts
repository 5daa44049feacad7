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
import { Address } from "./address";
import type { Backoff } from "./backoff";
import { Cursors, type Wish } from "./cursors";
import type { Begin, Effect, LinePhase, Transport } from "./effects";
import type { Problem } from "./problem";
import { Subscriptions } from "./subscriptions";
import { Suspects } from "./suspects";
import { Way } from "./way";
import { type Bye, type ErrorFrame, isLogEvent, type LogEvent, logOf, type LogName, type ServerFrame } from "./wire";

export interface LineOptions {
  readonly transports: readonly Transport[];
  /** Whether addresses carry a ticket, and so name what may be heard there, or the cookie speaks. */
  readonly tickets: boolean;
}

/** A server answers a request at once: after this long without an answer the connection is given up. */
const ANSWER_SECONDS = 10;
const OPEN_SECONDS = 15;
/** How often a stream is thought about; a WebSocket's server says how often it pings. */
const STREAM_CHECK_SECONDS = 25;
/** Problems of one log among those that an address names; of the others the address itself is the cause. */
const OF_ONE_LOG: readonly string[] = ["no-such-room", "bad-input"];

const ALIVE = "alive";

export class Line {
  readonly cursors = new Cursors();
  private readonly subscriptions = new Subscriptions(this.cursors, (effect) => this.effects.push(effect));
  private readonly address = new Address(this.cursors);
  private readonly way: Way;
  private effects: Effect[] = [];
  private phase: "stopped" | "idle" | "opening" | "open" | "asking" | "waiting" = "stopped";
  private over: Transport = "websocket";
  private due: "opening" | "quiet" | "answer" | "retry" | "reopen" = "retry";
  /** Whom an opening that was refused was refused for. */
  private suspects = new Suspects([]);
  private isLive = false;
  private heard = false;
  private pingSeconds = STREAM_CHECK_SECONDS;
  private retryAfterSeconds: number | undefined;

  constructor(
    private readonly backoff: Backoff,
    private readonly options: LineOptions,
  ) {
    this.way = new Way(options.transports);
  }

  /** What is to be done now, in this order. */
  take(): readonly Effect[] {
    const effects = this.effects;
    this.effects = [];
    return effects;
  }

  /** Whether everything that is listened to is on the connection there is. */
  get complete(): boolean {
    return this.subscriptions.allHavePlace && (!this.named || this.address.complete);
  }

  /** Whether what comes in this log is heard, or will be, from where one stands. */
  hears(log: LogName): boolean {
    return this.cursors.has(log) && this.subscriptions.hasPlace(log) && (!this.named || this.address.names(log));
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
      if (isOn) this.subscriptions.unsubscribe(log);
      this.subscriptions.subscribe(log);
    }
  }

  allow(log: LogName, replay: number): void {
    this.cursors.allow(log, replay);
  }

  leave(log: LogName): void {
    if (!this.cursors.has(log)) return;
    const isOn = this.phase === "open" && this.hears(log);
    this.subscriptions.delete(log);
    if (this.over === "event-stream" && this.named) this.reopen();
    else if (isOn) this.subscriptions.unsubscribe(log);
    this.liveWhenAnswered();
  }

  /** The log that has to be heard even when not all fit. */
  prefer(log: LogName | undefined): void {
    this.address.preferred = log;
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
    this.way.opened("event-stream");
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
        this.subscriptions.subscribed(frame);
        this.liveWhenAnswered();
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
    this.leaveConnection();
    if (code === 4401) return this.end("signed-out");
    this.isLive = false;
    if (!neverOpened) return this.comeBack();
    this.tell({ state: "connecting" });
    const logs = this.over === "event-stream" ? this.address.begins() : [];
    this.suspects = new Suspects(logs);
    this.ask(logs);
  }

  /** The address to open could not be had. */
  denied(problem: Problem): void {
    if (this.phase !== "opening") return;
    this.leaveConnection();
    this.phase = "asking";
    this.suspects = new Suspects(this.address.begins());
    this.answered(problem);
  }

  /** What the plain request was answered: nothing stands in the way, or this does. */
  answered(problem: Problem | undefined): void {
    if (this.phase !== "asking") return;
    if (problem?.signedOut) return this.end("signed-out");
    if (problem === undefined || OF_ONE_LOG.includes(problem.code)) return this.narrow(problem);
    if (problem.code === "stale-cursor") this.startAllAnew();
    this.retryAfterSeconds = problem.retryAfter;
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

  /** Whether the address of the connection that is open, or being opened, names what is heard on it. */
  private get named(): boolean {
    return (this.phase === "opening" || this.phase === "open") && (this.options.tickets || this.over === "event-stream");
  }

  private open(): void {
    this.leaveConnection();
    this.over = this.way.next;
    this.phase = "opening";
    this.tell({ state: "connecting" });
    if (this.named) {
      this.address.fill();
      if (this.address.logs.length === 0) {
        this.phase = "idle"; // there is nothing to listen to yet
        this.effects.push({ do: "sleep" });
        return;
      }
    }
    this.effects.push({ do: "open", over: this.over, logs: this.named ? this.address.begins() : [] });
    this.wake("opening", OPEN_SECONDS);
  }

  /** Open anew for other logs; once, when several come and go in the same turn. */
  private reopen(): void {
    this.wake("reopen", 0);
  }

  private leaveConnection(): void {
    if (this.phase === "opening" || this.phase === "open") this.effects.push({ do: "close" });
    this.subscriptions.clear();
    this.heard = false;
    this.due = "retry";
  }

  private ask(logs: readonly Begin[]): void {
    this.phase = "asking";
    this.effects.push({ do: "ask", logs });
    this.effects.push({ do: "sleep" });
  }

  /** Ask on until it is known which logs an opening was refused for, and do without them. */
  private narrow(problem: Problem | undefined): void {
    const refused = this.suspects.answered(problem !== undefined);
    if (refused && problem) this.subscriptions.forget(refused.log, problem.code);
    if (this.suspects.next) return this.ask(this.suspects.next);
    if (this.suspects.none && this.way.failed(this.over)) this.open();
    else this.comeBack();
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
    if (this.phase === "open" && !this.isLive && this.subscriptions.allAnswered) this.live();
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
      if (this.way.streamed(STREAM_CHECK_SECONDS)) return this.open();
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
    this.way.opened("websocket");
    this.effects.push({ do: "greet", user });
    this.enter(epoch);
    this.wake("quiet", this.pingSeconds);
    if (this.options.tickets) {
      for (const log of this.address.logs) this.subscriptions.subscribedByTicket(log);
    } else {
      for (const log of this.address.inOrder()) this.subscriptions.subscribe(log);
    }
    this.liveWhenAnswered();
  }

  /** The server says which history its numbers are of. */
  private enter(epoch: string): void {
    const before = this.cursors.epoch;
    this.cursors.epoch = epoch;
    if (before && before !== epoch) this.startAllAnew();
  }

  private startAllAnew(): void {
    for (const log of this.cursors.names()) this.subscriptions.startAnew(log, "another-history");
  }

  private refused(frame: ErrorFrame): void {
    if (!this.subscriptions.refused(frame)) {
      this.retryAfterSeconds = frame.retry_after;
      this.closed();
    }
    this.liveWhenAnswered();
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
}
