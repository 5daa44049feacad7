/**
 * One live connection for many logs, which comes back by itself and goes on where it was.
 *
 * Over a WebSocket; where that does not open although the server answers, over an event stream (`EventSource`),
 * from which it tries a WebSocket again now and then. Whatever happens to the connection, each event of a log
 * is handed on once and in order (`Cursors`).
 */
import { Backoff } from "./backoff";
import type { Client } from "./client";
import { Cursors, type Wish } from "./cursors";
import { Problem } from "./problem";
import type { Bye, ErrorFrame, LogEvent, LogName, Mark, ServerFrame } from "./wire";
import { isLogEvent } from "./wire";

export type LineState =
  | { readonly state: "connecting" }
  | { readonly state: "live"; readonly transport: "websocket" | "event-stream" }
  /** Tried again at `atMs`. */
  | { readonly state: "waiting"; readonly atMs: number }
  | { readonly state: "stopped" };

export interface Handlers {
  /** Each event of each log, once and in order. */
  event(event: LogEvent): void;
  /** A mark moved, here or on another device. Not replayed: ask for the marks when `state` is live again. */
  mark?(mark: Mark): void;
  /** Listening to a log has begun (again), and this is where it ends. Not told over event streams. */
  head?(log: LogName, head: number): void;
  /** The log goes on from its head, and what was missed is to be read: it was too much, or of another history. */
  behind?(log: LogName, why: "too-much" | "another-history"): void;
  /** The log cannot be listened to, and is forgotten. */
  refused?(log: LogName, code: string): void;
  state?(state: LineState): void;
  /** The session is over, and with it the listening. */
  ended?(reason: string): void;
}

/** What it runs on: the browser's own unless something else is handed in. */
export interface ListenerEnvironment {
  readonly WebSocket?: new (url: string, protocols?: string) => WebSocket;
  readonly EventSource?: new (url: string) => EventSource;
  readonly setTimeout?: (act: () => void, ms: number) => unknown;
  readonly clearTimeout?: (timer: never) => void;
  readonly nowMs?: () => number;
  readonly chance?: () => number;
}

/** A server answers a request at once: after this long without an answer the connection is given up. */
const ANSWER_SECONDS = 10;
const OPEN_SECONDS = 15;
/** Openings in a row that failed while the server answered otherwise: WebSockets do not come through. */
const BLOCKED_AFTER = 2;
/** How long an event stream is kept before a WebSocket is tried again. */
const STREAM_SECONDS = 300;
/** What the address of an event stream may hold; the server takes 16 KiB of head, proxies often 8. */
const ADDRESS_CHARACTERS = 6000;

/** Logs on one connection at most; the server takes 1,000. */
const MOST_LOGS = 900;

const SUBPROTOCOL = "hubbub.v1";
const ALIVE = "alive";

export class Listener {
  private readonly cursors = new Cursors();
  private readonly backoff: Backoff;
  private readonly nowMs: () => number;
  private readonly later: (act: () => void, seconds: number) => () => void;
  private readonly WebSocket: NonNullable<ListenerEnvironment["WebSocket"]>;
  private readonly EventSource: ListenerEnvironment["EventSource"];
  private socket: WebSocket | null = null;
  private stream: EventSource | null = null;
  private running = false;
  private greeted = false;
  /** What is on the connection there is. */
  private readonly carried = new Set<LogName>();
  /** Answers to subscriptions that are still out: `live` is told when the last has come. */
  private readonly asked = new Map<number, LogName>();
  private refs = 0;
  private blocked = 0;
  private retryAfterSeconds: number | undefined;
  private focus: LogName | undefined;
  private told: LineState = { state: "stopped" };
  /** What is due: trying again, looking whether the other end is alive, opening a stream anew. */
  private cancelDue: () => void = () => {};
  private cancelReopening: () => void = () => {};
  private attempt = 0;

  constructor(
    private readonly client: Client,
    private readonly handlers: Handlers,
    environment: ListenerEnvironment = {},
  ) {
    this.backoff = new Backoff(environment.chance);
    this.nowMs = environment.nowMs ?? Date.now;
    this.WebSocket = environment.WebSocket ?? globalThis.WebSocket;
    this.EventSource = environment.EventSource ?? globalThis.EventSource;
    const set = environment.setTimeout ?? ((act, ms) => globalThis.setTimeout(act, ms));
    const clear = environment.clearTimeout ?? ((timer: never) => globalThis.clearTimeout(timer));
    this.later = (act, seconds) => {
      const timer = set(act, seconds * 1000);
      return () => clear(timer as never);
    };
  }

  get state(): LineState {
    return this.told;
  }

  /** Listen to a log. Naming one again has it go on from the new wish. */
  listen(log: LogName, wish: Wish = {}): void {
    const known = this.cursors.has(log);
    this.cursors.set(log, wish);
    if (this.socket && this.client.token !== undefined && !known) {
      this.reopen(); // a ticket is for the logs it names
    } else if (this.socket && this.greeted) {
      if (this.carried.has(log)) this.send({ type: "unsubscribe", ref: ++this.refs, ...named(log) });
      else if (this.carried.size >= MOST_LOGS) this.makeRoom();
      this.subscribe(log);
    } else if (this.stream) {
      this.reopen();
    }
  }

  /** One that is carried and not preferred gives way; its reader comes back to where it stood some time. */
  private makeRoom(): void {
    const one = [...this.carried].find((log) => log !== "inbox" && log !== this.focus);
    if (one === undefined) return;
    this.carried.delete(one);
    this.send({ type: "unsubscribe", ref: ++this.refs, ...named(one) });
  }

  leave(log: LogName): void {
    if (!this.cursors.has(log)) return;
    this.cursors.delete(log);
    this.carried.delete(log);
    if (this.socket && this.greeted) this.send({ type: "unsubscribe", ref: ++this.refs, ...named(log) });
    else if (this.stream) this.reopen();
  }

  /** Where it stands in a log, once that is known. */
  position(log: LogName): number | undefined {
    return this.cursors.position(log);
  }

  has(log: LogName): boolean {
    return this.cursors.has(log);
  }

  /** The log that has to be on an event stream even when not all fit. */
  prefer(log: LogName | undefined): void {
    this.focus = log;
  }

  start(): void {
    if (this.running) return;
    this.running = true;
    this.connect();
  }

  stop(): void {
    this.running = false;
    this.drop();
    this.tell({ state: "stopped" });
  }

  /** Connect now rather than when the time has come; a live connection is left alone. */
  reconnect(): void {
    if (this.running && this.told.state === "waiting") this.connect();
  }

  /** The network may have gone without a word: find out now. */
  doubt(): void {
    if (this.socket && this.greeted) this.askWhetherAlive();
    else this.reconnect();
  }

  // -- connecting -----------------------------------------------------------

  private connect(): void {
    this.drop();
    this.tell({ state: "connecting" });
    const attempt = ++this.attempt;
    const open = this.blocked >= BLOCKED_AFTER && this.EventSource ? this.openStream() : this.openSocket();
    void open.catch((problem: unknown) => {
      if (attempt === this.attempt && this.running) void this.failed(problem);
    });
  }

  /** Let go of whatever connection there is. */
  private drop(): void {
    this.attempt++;
    this.cancelDue();
    this.cancelReopening();
    this.asked.clear();
    this.carried.clear();
    this.greeted = false;
    const { socket, stream } = this;
    this.socket = this.stream = null;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
      socket.close();
    }
    stream?.close();
  }

  private due(act: () => void, seconds: number): void {
    this.cancelDue();
    this.cancelDue = this.later(act, seconds);
  }

  /** No connection came about, or it is gone: find out why, and come back. */
  private async failed(problem?: unknown): Promise<void> {
    const never = !this.greeted;
    const streamed = this.stream !== null;
    this.drop();
    this.tell({ state: "connecting" });
    const attempt = this.attempt;
    if (never) {
      // Browsers do not tell why an opening failed; a plain request does.
      let why = problem;
      try {
        await this.client.sessionNow();
      } catch (found) {
        why = found;
      }
      if (attempt !== this.attempt || !this.running) return;
      if (why instanceof Problem && why.signedOut) return this.end("signed-out");
      if (why === undefined) this.blocked = streamed ? 0 : this.blocked + 1;
      if (why instanceof Problem && why.retryAfter !== undefined) this.retryAfterSeconds = why.retryAfter;
      if (why === undefined && this.blocked === BLOCKED_AFTER) return this.connect();
    }
    const seconds = this.retryAfterSeconds ?? this.backoff.next();
    this.retryAfterSeconds = undefined;
    this.tell({ state: "waiting", atMs: this.nowMs() + seconds * 1000 });
    this.due(() => this.connect(), seconds);
  }

  private end(reason: string): void {
    this.running = false;
    this.drop();
    this.tell({ state: "stopped" });
    this.handlers.ended?.(reason);
  }

  private live(transport: "websocket" | "event-stream"): void {
    this.backoff.succeeded();
    this.tell({ state: "live", transport });
  }

  private tell(state: LineState): void {
    this.told = state;
    this.handlers.state?.(state);
  }

  // -- over a WebSocket -----------------------------------------------------

  private async openSocket(): Promise<void> {
    let address = this.client.address("/ws", "ws");
    if (this.client.token !== undefined) {
      const attempt = this.attempt;
      const names: LogName[] = this.cursors.names();
      if (names.length === 0) names.push("inbox");
      address = (await this.client.offer(query(names, () => undefined))).websocket;
      if (attempt !== this.attempt) return;
    }
    const socket = new this.WebSocket(address, SUBPROTOCOL);
    this.socket = socket;
    socket.onmessage = (message) => this.received(JSON.parse(String(message.data)) as ServerFrame);
    socket.onclose = (close) => {
      if (close.code === 4401) this.end("signed-out");
      else void this.failed();
    };
    this.due(() => void this.failed(), OPEN_SECONDS);
  }

  private received(frame: ServerFrame): void {
    switch (frame.type) {
      case "hello":
        this.greet(frame.epoch, frame.ping_seconds);
        break;
      case "subscribed":
        if (typeof frame.ref === "number") this.subscribed(frame.ref, frame.head);
        break;
      case "error":
        if (typeof frame.ref === "number") this.refused(frame.ref, frame);
        break;
      case "mark":
        this.handlers.mark?.(frame);
        break;
      case "bye":
        this.bye(frame);
        break;
      default:
        if (isLogEvent(frame)) this.event(frame);
    }
    if (this.socket && this.greeted) this.watch();
  }

  private pingSeconds = 25;

  private greet(epoch: string, pingSeconds: number): void {
    this.greeted = true;
    this.blocked = 0;
    this.pingSeconds = pingSeconds;
    this.enter(epoch);
    const ticketed = this.client.token !== undefined;
    for (const log of this.ordered().slice(0, MOST_LOGS)) {
      // What a ticket opened began at the head: begin it again where one stood.
      if (ticketed) this.send({ type: "unsubscribe", ref: ++this.refs, ...named(log) });
      this.subscribe(log);
    }
    if (this.asked.size === 0) this.live("websocket");
  }

  /** The server says which history its numbers are of. */
  private enter(epoch: string): void {
    const before = this.cursors.epoch;
    this.cursors.epoch = epoch;
    if (before && before !== epoch) {
      for (const log of this.cursors.names()) {
        this.cursors.restart(log);
        this.handlers.behind?.(log, "another-history");
      }
    }
  }

  private subscribe(log: LogName): void {
    const ref = ++this.refs;
    const after = this.cursors.cursor(log);
    this.asked.set(ref, log);
    this.carried.add(log);
    this.send({ type: "subscribe", ref, ...named(log), ...(after === undefined ? {} : { after }) });
  }

  private subscribed(ref: number, head: number): void {
    const log = this.asked.get(ref);
    if (log === undefined) return;
    this.asked.delete(ref);
    if (this.cursors.has(log)) {
      if (this.cursors.subscribed({ type: "subscribed", ...named(log), head }) === "behind") {
        this.send({ type: "unsubscribe", ref: ++this.refs, ...named(log) });
        this.handlers.behind?.(log, "too-much");
        // Asked for anew in the same breath, unless its reader has done so already.
        if (![...this.asked.values()].includes(log)) this.subscribe(log);
      } else {
        this.handlers.head?.(log, head);
      }
    }
    if (this.asked.size === 0 && this.told.state !== "live") this.live("websocket");
  }

  private refused(ref: number, frame: ErrorFrame): void {
    const log = this.asked.get(ref);
    if (log === undefined) return;
    this.asked.delete(ref);
    if (!this.cursors.has(log)) return;
    const code = frame.problem.slice("/problems/".length);
    if (code === "stale-cursor") {
      this.cursors.restart(log);
      this.handlers.behind?.(log, "another-history");
      if (![...this.asked.values()].includes(log)) this.subscribe(log);
    } else if (frame.status === 429 || frame.status >= 500) {
      this.retryAfterSeconds = frame.retry_after;
      void this.failed();
    } else {
      this.cursors.delete(log);
      this.carried.delete(log);
      this.handlers.refused?.(log, code);
      if (this.asked.size === 0 && this.told.state !== "live") this.live("websocket");
    }
  }

  private event(event: LogEvent): void {
    if (this.cursors.take(event) === "new") this.handlers.event(event);
  }

  private bye(bye: Bye): void {
    if (bye.reason === "signed-out" || bye.reason === "expired" || bye.reason === "disabled") {
      this.end(bye.reason);
    } else {
      this.retryAfterSeconds = bye.retry_after;
    }
  }

  /** Browsers answer pings without telling: so ask something of our own when it has been quiet. */
  private watch(): void {
    this.due(() => this.askWhetherAlive(), this.pingSeconds);
  }

  private askWhetherAlive(): void {
    this.send({ type: "unsubscribe", ref: ALIVE, room: "-" });
    this.due(() => void this.failed(), ANSWER_SECONDS);
  }

  private send(frame: object): void {
    if (this.socket?.readyState === 1) this.socket.send(JSON.stringify(frame));
  }

  // -- over an event stream -------------------------------------------------

  private async openStream(): Promise<void> {
    const EventSource = this.EventSource;
    if (!EventSource) throw new Error("there is no EventSource here");
    const attempt = this.attempt;
    const asked = query(this.fitting(), (log) => this.cursors.cursor(log));
    const address =
      this.client.token === undefined
        ? this.client.address(`/subscribe?${asked}`, "http")
        : (await this.client.offer(asked)).event_stream;
    if (attempt !== this.attempt) return;
    const stream = new EventSource(address);
    this.stream = stream;
    stream.onopen = () => {
      this.greeted = true;
      this.live("event-stream");
      this.due(() => this.tryWebSocket(), STREAM_SECONDS);
    };
    stream.onerror = () => {
      void this.failed();
    };
    for (const type of ["message", "sent", "gap", "mark", "bye"]) {
      stream.addEventListener(type, (message) => {
        if (this.stream !== stream) return;
        const frame = JSON.parse(String((message as MessageEvent).data)) as ServerFrame;
        if (isLogEvent(frame)) this.event(frame);
        else if (frame.type === "mark") this.handlers.mark?.(frame);
        else if (frame.type === "bye") this.bye(frame);
      });
    }
    this.due(() => void this.failed(), OPEN_SECONDS);
  }

  private tryWebSocket(): void {
    this.blocked = BLOCKED_AFTER - 1;
    this.connect();
  }

  /** Connect anew for other logs; once, when several come and go in the same turn. */
  private reopen(): void {
    this.cancelReopening();
    this.cancelReopening = this.later(() => this.connect(), 0);
  }

  /** All logs, those first that must not be left out. */
  private ordered(): LogName[] {
    const names = this.cursors.names();
    return [...new Set<LogName>([...names.filter((log) => log === "inbox" || log === this.focus), ...names])];
  }

  /** As many logs as an address holds, the preferred first. */
  private fitting(): LogName[] {
    let size = 0;
    return this.ordered().filter((log) => (size += query([log], (each) => this.cursors.cursor(each)).length + 1) <= ADDRESS_CHARACTERS);
  }

  /** Whether everything that is listened to is on the connection there is. */
  get complete(): boolean {
    const carried = this.stream === null ? this.carried.size : this.fitting().length;
    return this.told.state !== "live" || carried >= this.cursors.names().length;
  }
}

function named(log: LogName): { readonly inbox: true } | { readonly room: string } {
  return log === "inbox" ? { inbox: true } : { room: log.slice("room/".length) };
}

function query(logs: readonly LogName[], cursor: (log: LogName) => string | undefined): string {
  const asked = new URLSearchParams();
  for (const log of logs) {
    const after = cursor(log);
    if (log === "inbox") asked.append("inbox", after ?? "");
    else asked.append("room", after === undefined ? log.slice(5) : `${log.slice(5)}@${after}`);
  }
  return asked.toString();
}
