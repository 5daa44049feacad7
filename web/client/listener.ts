/**
 * One live connection for many logs, which comes back by itself and goes on where it was.
 *
 * Over a WebSocket; where that does not open although the server answers, over an event stream (`EventSource`),
 * from which a WebSocket is tried again now and then. What is to be done is decided in `Line`; this is the shell
 * that holds the socket, the stream and the timer, and does it.
 */
import { Backoff } from "./backoff";
import type { Client } from "./client";
import type { Wish } from "./cursors";
import { type Begin, type Effect, queryOf, type Transport, type WhyBehind } from "./effects";
import { Line } from "./line";
import { Problem } from "./problem";
import type { LogEvent, LogName, Mark, ServerFrame } from "./wire";

export type LineState =
  | { readonly state: "connecting" }
  | { readonly state: "live"; readonly transport: Transport }
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
  /** The log goes on from its head, and what was missed is to be read. */
  behind?(log: LogName, why: WhyBehind): void;
  /** The log cannot be listened to, and is forgotten. */
  refused?(log: LogName, code: string): void;
  state?(state: LineState): void;
  /** A WebSocket is open, and this is who the server takes us for. */
  greet?(user: string): void;
  /** The session is over, and with it the listening. */
  ended?(reason: string): void;
}

/** What it runs on: the machine's own unless something else is handed in; null where there is none. */
export interface ListenerEnvironment {
  readonly WebSocket?: (new (url: string, protocols?: string) => WebSocket) | null;
  readonly EventSource?: (new (url: string) => EventSource) | null;
  readonly setTimeout?: (act: () => void, ms: number) => unknown;
  readonly clearTimeout?: (timer: never) => void;
  readonly nowMs?: () => number;
  readonly chance?: () => number;
}

const SUBPROTOCOL = "hubbub.v1";
const STREAMED = ["message", "sent", "gap", "mark", "bye"];

/** Listen, from now on and until `stop`. */
export function connect(client: Client, handlers: Handlers, environment: ListenerEnvironment = {}): Listener {
  const listener = new Listener(client, handlers, environment);
  listener.start();
  return listener;
}

export class Listener {
  private readonly line: Line;
  private readonly WebSocket: ListenerEnvironment["WebSocket"];
  private readonly EventSource: ListenerEnvironment["EventSource"];
  private readonly nowMs: () => number;
  private readonly later: (act: () => void, seconds: number) => () => void;
  private cancelWaking: () => void = () => {};
  /** Lets go of whatever connection there is, or is being opened. */
  private drop: () => void = () => {};
  private send: (text: string) => void = () => {};
  private told: LineState = { state: "stopped" };
  private acting = false;

  constructor(
    private readonly client: Client,
    private readonly handlers: Handlers,
    environment: ListenerEnvironment = {},
  ) {
    this.WebSocket = environment.WebSocket === undefined ? globalThis.WebSocket : environment.WebSocket;
    this.EventSource = environment.EventSource === undefined ? globalThis.EventSource : environment.EventSource;
    this.nowMs = environment.nowMs ?? Date.now;
    const set = environment.setTimeout ?? ((act, ms) => globalThis.setTimeout(act, ms));
    const clear = environment.clearTimeout ?? ((timer: never) => globalThis.clearTimeout(timer));
    this.later = (act, seconds) => {
      const timer = set(act, seconds * 1000);
      return () => clear(timer as never);
    };
    const transports: Transport[] = [];
    if (this.WebSocket) transports.push("websocket");
    if (this.EventSource) transports.push("event-stream");
    if (transports.length === 0) throw new TypeError("there is no WebSocket here and no EventSource: hand one in");
    this.line = new Line(new Backoff(environment.chance), { transports, tickets: client.token !== undefined });
  }

  get state(): LineState {
    return this.told;
  }

  /** Whether everything that is listened to is on the connection there is. */
  get complete(): boolean {
    return this.line.complete;
  }

  start(): void {
    this.line.start();
    this.act();
  }

  stop(): void {
    this.line.stop();
    this.act();
  }

  /** Listen to a log, from now on or from where it is wished. Naming it again has it go on from the new wish. */
  listen(log: LogName, wish: Wish = {}): void {
    this.line.listen(log, wish);
    this.act();
  }

  /** How much of the log may be replayed from now on, when the connection was away. */
  allow(log: LogName, replay: number): void {
    this.line.allow(log, replay);
  }

  leave(log: LogName): void {
    this.line.leave(log);
    this.act();
  }

  has(log: LogName): boolean {
    return this.line.cursors.has(log);
  }

  /** Whether what comes in this log is heard, or will be, from where one stands. */
  hears(log: LogName): boolean {
    return this.line.hears(log);
  }

  /** Where it stands in a log, once that is known. */
  position(log: LogName): number | undefined {
    return this.line.cursors.position(log);
  }

  /** The same as a cursor, for `after`: to be kept over a restart of one's own. */
  cursor(log: LogName): string | undefined {
    return this.line.cursors.cursor(log);
  }

  /** The log that has to be heard even when not all fit on the connection. */
  prefer(log: LogName | undefined): void {
    this.line.prefer(log);
  }

  /** Connect now rather than when the time has come; a live connection is left alone. */
  reconnect(): void {
    this.line.reconnect();
    this.act();
  }

  /** The network may have gone without a word: find out now. */
  doubt(): void {
    this.line.doubt();
    this.act();
  }

  // -- carrying out ---------------------------------------------------------

  /** What handlers ask for meanwhile is done after what is being done. */
  private act(): void {
    if (this.acting) return;
    this.acting = true;
    try {
      for (let effects = this.line.take(); effects.length > 0; effects = this.line.take()) {
        for (const effect of effects) this.carryOut(effect);
      }
    } finally {
      this.acting = false;
    }
  }

  private carryOut(effect: Effect): void {
    const { handlers } = this;
    switch (effect.do) {
      case "open":
        this.open(effect.over, effect.logs);
        break;
      case "close":
        this.drop();
        break;
      case "send":
        this.send(JSON.stringify(effect.frame));
        break;
      case "ask":
        void this.ask(effect.logs);
        break;
      case "wake":
        this.cancelWaking();
        this.cancelWaking = this.later(() => {
          this.line.woken();
          this.act();
        }, effect.seconds);
        break;
      case "sleep":
        this.cancelWaking();
        break;
      case "state": {
        const { phase } = effect;
        this.told = phase.state === "waiting" ? { state: "waiting", atMs: this.nowMs() + phase.seconds * 1000 } : phase;
        handlers.state?.(this.told);
        break;
      }
      case "event":
        handlers.event(effect.event);
        break;
      case "mark":
        handlers.mark?.(effect.mark);
        break;
      case "head":
        handlers.head?.(effect.log, effect.head);
        break;
      case "behind":
        handlers.behind?.(effect.log, effect.why);
        break;
      case "refused":
        handlers.refused?.(effect.log, effect.code);
        break;
      case "greet":
        handlers.greet?.(effect.user);
        break;
      case "end":
        handlers.ended?.(effect.reason);
        break;
    }
  }

  private open(over: Transport, logs: readonly Begin[]): void {
    let isWanted = true;
    this.drop = () => {
      isWanted = false;
    };
    const opened = (address: string): void => {
      if (!isWanted) return;
      if (over === "websocket") this.openSocket(address);
      else this.openStream(address);
    };
    if (this.client.token === undefined) {
      opened(over === "websocket" ? this.client.address("/ws", "ws") : this.client.address(`/subscribe?${queryOf(logs)}`, "http"));
      return;
    }
    this.client.offer(queryOf(logs)).then(
      (offer) => opened(over === "websocket" ? offer.websocket : offer.event_stream),
      (problem: unknown) => {
        if (!isWanted) return;
        this.line.denied(asProblem(problem));
        this.act();
      },
    );
  }

  private openSocket(address: string): void {
    if (!this.WebSocket) return;
    const socket = new this.WebSocket(address, SUBPROTOCOL);
    this.send = (text) => {
      if (socket.readyState === 1) socket.send(text);
    };
    this.drop = () => {
      socket.onmessage = socket.onclose = null;
      this.send = () => {};
      socket.close();
    };
    socket.onmessage = (message) => this.received(message);
    socket.onclose = (close) => {
      this.line.closed(close.code);
      this.act();
    };
  }

  private openStream(address: string): void {
    if (!this.EventSource) return;
    const stream = new this.EventSource(address);
    const received = (message: Event): void => this.received(message as MessageEvent);
    this.drop = () => {
      stream.onopen = stream.onerror = null;
      for (const type of STREAMED) stream.removeEventListener(type, received);
      stream.close();
    };
    for (const type of STREAMED) stream.addEventListener(type, received);
    stream.onopen = () => {
      this.line.connected();
      this.act();
    };
    stream.onerror = () => {
      this.line.closed();
      this.act();
    };
  }

  private received(message: MessageEvent): void {
    this.line.received(JSON.parse(String(message.data)) as ServerFrame);
    this.act();
  }

  private async ask(logs: readonly Begin[]): Promise<void> {
    let found: Problem | undefined;
    try {
      if (logs.length > 0) await this.client.offer(queryOf(logs));
      else await this.client.sessionNow();
    } catch (problem) {
      found = asProblem(problem);
    }
    this.line.answered(found);
    this.act();
  }
}

function asProblem(problem: unknown): Problem {
  if (problem instanceof Problem) return problem;
  throw problem;
}
