/**
 * A server as docs/protocol.md has it, as far as a page needs one: small, in memory, on a clock of its own, and
 * with a network that can be made to fail.
 */
import type { Conversation, LogEvent, LogName, Message, RoomMark, Sent } from "../client";
import type { Clock } from "./clock";

type Stored = Message | Sent;

export interface Room {
  readonly id: string;
  readonly name: string;
  readonly log: Stored[];
  /** Everything up to this was removed. */
  floor: number;
}

interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly fields?: Record<string, string>;
}

export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly more: Record<string, unknown> = {},
  ) {
    super(code);
  }
}

/** A browser's cookies: shared by its tabs. */
export interface Jar {
  session: string | null;
}

export class Server {
  epoch = "e1";
  readonly rooms = new Map<string, Room>();
  readonly inboxes = new Map<string, Stored[]>();
  readonly marks = new Map<string, Map<string, number>>();
  readonly sessions = new Map<string, string>();
  readonly sockets = new Set<FakeSocket>();
  readonly streams = new Set<FakeStream>();
  /** Requests that were answered, as `METHOD /path`. */
  readonly asked: string[] = [];
  isDown = false;
  takesSockets = true;
  /** Whether requests are carried out and their answers lost. */
  losesAnswers = false;
  /** Whether what is said over open connections arrives nowhere, without a word. */
  isSilent = false;
  latencyMs: () => number = () => 10;
  /** Requests, as `METHOD /path`, that take so much longer on their way there, or back. */
  readonly late = new Map<string, { readonly thereMs?: number; readonly backMs?: number }>();
  /** Requests, named likewise, that fail until they do not any more. */
  readonly failing = new Set<string>();
  /** Answers this in place of anything else, once. */
  refusals: Refusal[] = [];
  private made = 0;

  constructor(readonly clock: Clock) {}

  // -- truth ----------------------------------------------------------------

  person(...names: string[]): void {
    for (const name of names) {
      this.inboxes.set(name, []);
      this.marks.set(name, new Map());
    }
  }

  room(name: string): string {
    const id = `r${++this.made}`;
    this.rooms.set(id, { id, name, log: [], floor: 0 });
    return id;
  }

  says(sender: string, place: { room: string } | { to: string }, text: string, key?: string): Stored {
    const same = key === undefined ? undefined : this.all().find((each) => each.key === key && each.sender === sender && (each.type === "sent" || "room" in place || each.to === sender));
    if (same) return same;
    const common = { id: `m${++this.made}`, sender, text, sent_at: new Date(this.clock.nowMs).toISOString(), ...(key ? { key } : {}) };
    if ("room" in place) {
      const { log } = this.roomOf(place.room);
      const event: Message = { type: "message", room: place.room, seq: log.length + 1, ...common };
      log.push(event);
      this.publish(`room/${place.room}`, null, event);
      return event;
    }
    const theirs = this.inbox(place.to);
    const message: Message = { type: "message", to: place.to, seq: theirs.length + 1, ...common };
    theirs.push(message);
    this.meet(place.to, sender);
    this.publish("inbox", place.to, message);
    if (place.to === sender) return message;
    const mine = this.inbox(sender);
    const sent: Sent = { type: "sent", to: place.to, seq: mine.length + 1, ...common };
    mine.push(sent);
    this.meet(sender, place.to);
    this.publish("inbox", sender, sent);
    return sent;
  }

  removeUpTo(room: string, seq: number): void {
    this.roomOf(room).floor = seq;
  }

  /** A backup is put back: what came after it never was. */
  restore(room: string, head: number): void {
    this.epoch = `${this.epoch}+`;
    this.roomOf(room).log.length = head;
    this.cut();
  }

  mark(user: string, place: string, seq: number): number {
    const marks = this.marksOf(user);
    const now = Math.max(seq, marks.get(place) ?? 0);
    marks.set(place, now);
    this.tell(user, { type: "mark", ...named(place), seq: now });
    return now;
  }

  unmark(user: string, room: string): void {
    if (this.marksOf(user).delete(`room/${room}`)) this.tell(user, { type: "mark", room });
  }

  followed(user: string): RoomMark[] {
    const found: RoomMark[] = [];
    for (const [place, seq] of this.marksOf(user)) {
      const room = this.rooms.get(place.slice(5));
      if (place.startsWith("room/") && room) found.push({ room: room.id, name: room.name, seq, head: room.log.length });
    }
    return found.sort((a, b) => (a.room < b.room ? -1 : 1));
  }

  conversations(user: string): Conversation[] {
    const found: Conversation[] = [];
    for (const [place, seq] of this.marksOf(user)) {
      if (!place.startsWith("user/")) continue;
      const peer = place.slice(5);
      const between = this.between(user, peer);
      const unread = between.filter((each) => each.type === "message" && each.sender !== user && each.seq > seq).length;
      found.push({ user: peer, seq, unread, last: between.at(-1) ?? null });
    }
    return found.sort((a, b) => (a.user < b.user ? -1 : 1));
  }

  between(user: string, peer: string): Stored[] {
    return this.inbox(user).filter((each) => (each.type === "sent" ? each.to === peer : each.sender === peer));
  }

  // -- sessions -------------------------------------------------------------

  signIn(user: string): string {
    const id = `s${++this.made}`;
    this.sessions.set(id, user);
    return id;
  }

  end(session: string, reason = "signed-out"): void {
    this.sessions.delete(session);
    for (const live of [...this.sockets, ...this.streams]) if (live.session === session) live.bye(reason);
  }

  /** All live connections break. */
  cut(): void {
    for (const live of [...this.sockets, ...this.streams]) live.broken();
  }

  // -- HTTP -----------------------------------------------------------------

  fetchFor(jar: Jar): typeof fetch {
    return async (input, given = {}) => {
      const { method = "GET", body } = given;
      const fields = new Headers(given.headers);
      const url = new URL(String(input), "http://hubbub.test");
      const request = `${method} ${url.pathname}`;
      const late = this.late.get(request);
      await this.travel(late?.thereMs);
      if (this.isDown) throw new TypeError("fetch failed");
      this.asked.push(request);
      const session = fields.get("authorization")?.slice("Bearer ".length) ?? jar.session;
      let answer: Answer;
      try {
        const refusal = this.refusals.shift();
        if (refusal) throw refusal;
        if (this.failing.has(request)) throw new Refusal(500, "internal");
        answer = this.answer(method, url, body ? (JSON.parse(String(body)) as Record<string, unknown>) : {}, fields, session, jar);
      } catch (refusal) {
        if (!(refusal instanceof Refusal)) throw refusal;
        answer = { status: refusal.status, body: { type: `/problems/${refusal.code}`, title: refusal.code, status: refusal.status, ...refusal.more } };
      }
      const isLost = this.losesAnswers;
      await this.travel(late?.backMs);
      if (isLost || this.isDown) throw new TypeError("fetch failed");
      const text = answer.body === undefined ? null : JSON.stringify(answer.body);
      return new Response(text, { status: answer.status, ...(answer.fields ? { headers: answer.fields } : {}) });
    };
  }

  private answer(method: string, url: URL, body: Record<string, unknown>, fields: Headers, session: string | null, jar: Jar): Answer {
    const path = url.pathname.split("/").slice(1).map(decodeURIComponent);
    const [first = "", id = "", last = ""] = path;
    const name = String(body["name"] ?? "");
    if (method === "POST" && first === "users") {
      if (this.inboxes.has(name)) throw new Refusal(409, "name-taken");
      this.person(name);
      return { status: 201, body: { name, created_at: "2026-01-01T00:00:00Z" } };
    }
    if (method === "POST" && first === "sessions") {
      if (!this.inboxes.has(name) || body["password"] !== "password") throw new Refusal(401, "wrong-credentials");
      const made = this.signIn(name);
      if (body["cookie"]) {
        if (jar.session) this.end(jar.session);
        jar.session = made;
      }
      return { status: 201, body: { id: made, user: name, expires_at: "2026-03-01T00:00:00Z", ...(body["cookie"] ? {} : { token: made }) } };
    }
    const me = session === null ? undefined : this.sessions.get(session);
    if (me === undefined || session === null) throw new Refusal(401, "not-signed-in");
    if (first === "sessions") {
      if (method === "DELETE") {
        this.end(id === "current" ? session : id);
        return { status: 204 };
      }
      return { status: 200, body: { id: session, user: me, created_at: "", expires_at: "", agent: "", current: true } };
    }
    if (first === "marks") return { status: 200, body: this.followed(me) };
    if (first === "conversations") return { status: 200, body: this.conversations(me) };
    if (first === "subscribe") return this.offer(url, session);
    if (first === "rooms" && method === "POST") return { status: 201, body: this.roomBody(this.room(name)) };
    if (first === "rooms") return { status: 200, body: [...this.rooms.keys()].map((each) => this.roomBody(each)) };
    if (first === "users") return { status: 200, body: [...this.inboxes.keys()].map((each) => ({ name: each, created_at: "" })) };
    if (first === "room") this.roomOf(id);
    if (first === "user") this.inbox(id);
    if (last === "mark") {
      if (method === "DELETE") {
        this.unmark(me, id);
        return { status: 204 };
      }
      const place = first === "room" ? `room/${id}` : `user/${id}`;
      const seq = Number(body["seq"]);
      const head = first === "room" ? this.roomOf(id).log.length : this.inbox(me).length;
      if (seq > head) throw new Refusal(409, "stale-cursor", { head });
      return { status: 200, body: { ...named(place), seq: this.mark(me, place, seq) } };
    }
    if (last === "messages" && method === "POST") {
      const place = first === "room" ? { room: id } : { to: id };
      return { status: 201, body: this.says(me, place, String(body["text"]), fields.get("idempotency-key") ?? undefined) };
    }
    if (last === "messages" || (first === "inbox" && id === "messages")) return this.page(first, id, me, url.searchParams);
    if (first === "room") return { status: 200, body: this.roomBody(id) };
    throw new Refusal(404, "no-such-page");
  }

  private page(first: string, id: string, me: string, query: URLSearchParams): Answer {
    const log: LogName = first === "room" ? `room/${id}` : "inbox";
    const whole = this.entries(log, me);
    const mine = first === "user" ? new Set(this.between(me, id)) : null;
    const entries = mine ? whole.filter((each) => each.type !== "gap" && mine.has(each)) : whole;
    const limit = Number(query.get("limit") ?? 50);
    const after = query.get("after");
    const before = query.get("before");
    let found: LogEvent[];
    if (after !== null) {
      const seq = this.seqOf(after, log, me);
      found = entries.filter((each) => lastOf(each) > seq).slice(0, limit);
    } else {
      const seq = before === null ? Infinity : this.seqOf(before, log, me);
      found = entries.filter((each) => lastOf(each) < seq).slice(-limit);
    }
    const links: string[] = [];
    if (found[0] && found[0] !== entries[0]) links.push('<x>; rel="prev"');
    if (found.at(-1) && found.at(-1) !== entries.at(-1)) links.push('<x>; rel="next"');
    return { status: 200, body: found, fields: { etag: `"${this.epoch}:${this.head(log, me)}"`, link: links.join(", ") } };
  }

  private offer(url: URL, session: string): Answer {
    const me = this.sessions.get(session) ?? "";
    for (const [log, after] of wanted(url.searchParams)) this.seqOf(after ?? String(this.head(log, me)), log, me);
    const query = `${url.searchParams}&ticket=${session}`;
    return { status: 202, body: { event_stream: `http://hubbub.test/subscribe?${query}`, websocket: `ws://hubbub.test/subscribe?${query}` } };
  }

  // -- live -----------------------------------------------------------------

  /** Entries of a log, with what was removed as a gap. */
  entries(log: LogName, me: string): LogEvent[] {
    if (log === "inbox") return this.inbox(me);
    const { id, floor, log: stored } = this.roomOf(log.slice(5));
    const left = stored.slice(floor);
    return floor === 0 ? left : [{ type: "gap", room: id, first: 1, last: floor, reason: "retention" }, ...left];
  }

  head(log: LogName, me: string): number {
    return log === "inbox" ? this.inbox(me).length : this.roomOf(log.slice(5)).log.length;
  }

  seqOf(cursor: string, log: LogName, me: string): number {
    const [epoch, seq] = cursor.includes(":") ? cursor.split(":") : [this.epoch, cursor];
    const head = this.head(log, me);
    if (epoch !== this.epoch || Number(seq) > head) throw new Refusal(409, "stale-cursor", { head });
    return Number(seq);
  }

  private publish(log: LogName, owner: string | null, event: LogEvent): void {
    for (const live of [...this.sockets, ...this.streams]) {
      if (live.logs.has(log) && (owner === null || live.user === owner)) live.push(event);
    }
  }

  private tell(user: string, mark: object): void {
    for (const live of [...this.sockets, ...this.streams]) if (live.user === user && live.logs.has("inbox")) live.push(mark);
  }

  async travel(moreMs = 0): Promise<void> {
    await new Promise<void>((done) => this.clock.setTimeout(() => done(), this.latencyMs() + moreMs));
  }

  roomOf(id: string): Room {
    const room = this.rooms.get(id);
    if (!room) throw new Refusal(404, "no-such-room");
    return room;
  }

  private roomBody(id: string): object {
    const room = this.roomOf(id);
    return { id, name: room.name, created_at: "2026-01-01T00:00:00Z", created_by: "ada", head: room.log.length };
  }

  inbox(user: string): Stored[] {
    const inbox = this.inboxes.get(user);
    if (!inbox) throw new Refusal(404, "no-such-user");
    return inbox;
  }

  private marksOf(user: string): Map<string, number> {
    return this.marks.get(user) ?? new Map<string, number>();
  }

  private meet(user: string, peer: string): void {
    const marks = this.marksOf(user);
    if (!marks.has(`user/${peer}`)) marks.set(`user/${peer}`, 0);
  }

  private all(): Stored[] {
    return [...[...this.rooms.values()].flatMap((room) => room.log), ...[...this.inboxes.values()].flat()];
  }
}

function named(place: string): object {
  return place.startsWith("room/") ? { room: place.slice(5) } : { user: place.slice(5) };
}

function lastOf(event: LogEvent): number {
  return event.type === "gap" ? event.last : event.seq;
}

function* wanted(query: URLSearchParams): Generator<[LogName, string | null]> {
  for (const [name, text] of query) {
    if (name === "inbox") yield ["inbox", text || null];
    if (name === "room") {
      const [id, after] = text.split("@");
      yield [`room/${id}`, after ?? null];
    }
  }
}

/** What both ways of listening have in common, seen from the server. What is said arrives in order. */
abstract class Live {
  readonly logs = new Set<LogName>();
  user = "";
  protected isOpen = false;
  private arrivesMs = 0;

  constructor(
    protected readonly server: Server,
    readonly session: string | null,
  ) {}

  abstract push(frame: object): void;
  abstract broken(): void;
  abstract bye(reason: string): void;

  protected later(act: () => void): void {
    const { clock } = this.server;
    this.arrivesMs = Math.max(clock.nowMs + this.server.latencyMs(), this.arrivesMs);
    clock.setTimeout(act, this.arrivesMs - clock.nowMs);
  }

  protected replay(log: LogName, after: number): void {
    this.logs.add(log);
    for (const event of this.server.entries(log, this.user)) if (lastOf(event) > after) this.push(event);
  }
}

export class FakeSocket extends Live {
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: ((close: { code: number }) => void) | null = null;
  onopen: unknown = null;
  onerror: unknown = null;
  readyState = 0;

  constructor(server: Server, session: string | null, url: string) {
    super(server, session);
    const { searchParams } = new URL(url);
    this.later(() => {
      const user = session === null ? undefined : server.sessions.get(session);
      if (server.isDown || !server.takesSockets || user === undefined || this.readyState !== 0) return this.closed(1006);
      this.user = user;
      this.readyState = 1;
      server.sockets.add(this);
      this.push({ type: "hello", user, epoch: server.epoch, ping_seconds: 25, max_text_bytes: 16384 });
      for (const [log, after] of wanted(searchParams)) {
        const head = server.head(log, user);
        this.push({ type: "subscribed", ...(log === "inbox" ? { inbox: true } : { room: log.slice(5) }), head });
        this.replay(log, after === null ? head : server.seqOf(after, log, user));
      }
    });
  }

  send(text: string): void {
    this.later(() => {
      if (this.readyState === 1 && !this.server.isSilent) this.received(JSON.parse(text) as Record<string, unknown>);
    });
  }

  close(): void {
    this.readyState = 3;
    this.server.sockets.delete(this);
  }

  push(frame: object): void {
    const data = JSON.stringify(frame);
    this.later(() => {
      if (this.readyState === 1 && !this.server.isSilent) this.onmessage?.({ data });
    });
  }

  broken(): void {
    this.server.sockets.delete(this);
    this.later(() => this.closed(1006));
  }

  bye(reason: string, retryAfter?: number): void {
    this.push({ type: "bye", reason, ...(retryAfter === undefined ? {} : { retry_after: retryAfter }) });
    this.server.sockets.delete(this);
    this.later(() => this.closed(reason === "shutting-down" ? 1012 : 4401));
  }

  private closed(code: number): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.onclose?.({ code });
  }

  private received(frame: Record<string, unknown>): void {
    const log: LogName = frame["inbox"] ? "inbox" : `room/${String(frame["room"])}`;
    const about = { ref: frame["ref"], ...(frame["inbox"] ? { inbox: true } : { room: frame["room"] }) };
    if (frame["type"] === "unsubscribe") {
      this.logs.delete(log);
      this.push({ type: "unsubscribed", ...about });
      return;
    }
    try {
      const head = this.server.head(log, this.user);
      if (this.logs.has(log)) throw new Refusal(400, "bad-input");
      const { after } = frame;
      const from = after === undefined ? head : this.server.seqOf(String(after), log, this.user);
      this.push({ type: "subscribed", ...about, head });
      this.replay(log, from);
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      this.push({ type: "error", ref: frame["ref"], status: refusal.status, problem: `/problems/${refusal.code}`, title: refusal.code, ...refusal.more });
    }
  }
}

export class FakeStream extends Live {
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  private readonly listeners = new Map<string, Set<(message: { data: string }) => void>>();
  private isClosed = false;

  constructor(server: Server, session: string | null, readonly url: string) {
    super(server, session);
    const { searchParams } = new URL(url);
    this.later(() => {
      const user = session === null ? undefined : server.sessions.get(session);
      if (this.isClosed) return;
      if (server.isDown || user === undefined) return this.onerror?.();
      this.user = user;
      try {
        const asked = [...wanted(searchParams)].map(([log, after]) => [log, after === null ? server.head(log, user) : server.seqOf(after, log, user)] as const);
        server.streams.add(this);
        this.onopen?.();
        for (const [log, after] of asked) this.replay(log, after);
      } catch (refusal) {
        if (!(refusal instanceof Refusal)) throw refusal;
        this.onerror?.();
      }
    });
  }

  addEventListener(type: string, act: (message: { data: string }) => void): void {
    const known = this.listeners.get(type) ?? new Set();
    this.listeners.set(type, known.add(act));
  }

  removeEventListener(type: string, act: (message: { data: string }) => void): void {
    this.listeners.get(type)?.delete(act);
  }

  close(): void {
    this.isClosed = true;
    this.server.streams.delete(this);
  }

  push(frame: object): void {
    const { type } = frame as { type: string };
    const data = JSON.stringify(frame);
    this.later(() => {
      if (!this.isClosed && !this.server.isSilent) for (const act of this.listeners.get(type) ?? []) act({ data });
    });
  }

  broken(): void {
    this.server.streams.delete(this);
    this.later(() => {
      if (!this.isClosed) this.onerror?.();
    });
  }

  bye(reason: string): void {
    this.push({ type: "bye", reason });
    this.broken();
  }
}
