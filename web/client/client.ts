/**
 * The verbs: one person's way to one server over HTTP. Every verb rejects with a `Problem`.
 *
 * Reads and posts are tried again while nobody answers or the server is busy; a post has a key from before it
 * is first sent, so it is stored once however often that is.
 */
import { Backoff } from "./backoff";
import { Problem } from "./problem";
import type {
  Conversation,
  LogEvent,
  Message,
  RoomBody,
  RoomMark,
  Sent,
  SessionBody,
  SignedIn,
  UserBody,
} from "./wire";

export type Target = { readonly room: string } | { readonly to: string };

/** Where a page of messages is read. */
export type Source = { readonly room: string } | { readonly with: string } | "inbox";

export interface Asked {
  readonly after?: number | string;
  readonly before?: number | string;
  readonly limit?: number;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Whether more follows in the direction of reading: towards the head with `after`, else backward. */
  readonly more: boolean;
  /** The cursor at the head of the log when this was read; "" where there is none. */
  readonly cursor: string;
}

export interface ClientOptions {
  /** Of a session there is; without one the browser's cookie speaks, on pages of the server's own origin. */
  readonly token?: string;
  /** How long reads and posts are tried again for, in seconds. */
  readonly patienceSeconds?: number;
  readonly fetch?: typeof fetch;
  readonly chance?: () => number;
  readonly sleep?: (seconds: number) => Promise<void>;
  readonly nowMs?: () => number;
}

const ANSWER_SECONDS = 20;

export class Client {
  readonly url: string;
  token: string | undefined;
  private readonly fetch: typeof fetch;
  private readonly chance: () => number;
  private readonly sleep: (seconds: number) => Promise<void>;
  private readonly nowMs: () => number;
  private readonly patienceSeconds: number;

  /** `url`: where the server is, as `https://chat.example.org`; "" for the page's own origin. */
  constructor(url = "", options: ClientOptions = {}) {
    this.url = url.replace(/\/+$/, "");
    this.token = options.token;
    this.fetch = options.fetch ?? ((...given) => globalThis.fetch(...given));
    this.chance = options.chance ?? Math.random;
    this.sleep = options.sleep ?? ((seconds) => new Promise((done) => setTimeout(done, seconds * 1000)));
    this.nowMs = options.nowMs ?? Date.now;
    this.patienceSeconds = options.patienceSeconds ?? 30;
  }

  // -- who I am -------------------------------------------------------------

  async signUp(name: string, password: string): Promise<UserBody> {
    return this.once("POST", "/users", { name, password });
  }

  /** With `cookie` the browser keeps the session where no script reaches it. */
  async signIn(name: string, password: string, options: { readonly cookie?: boolean } = {}): Promise<SignedIn> {
    const signedIn: SignedIn = await this.once("POST", "/sessions", {
      name,
      password,
      ...(options.cookie ? { cookie: true } : {}),
    });
    this.token = signedIn.token;
    return signedIn;
  }

  async signOut(): Promise<void> {
    await this.once("DELETE", "/sessions/current");
    this.token = undefined;
  }

  async session(): Promise<SessionBody> {
    return this.again("GET", "/sessions/current");
  }

  /** As `session`, asked a single time: whether the server answers at all, and still knows us. */
  async sessionNow(): Promise<SessionBody> {
    return this.once("GET", "/sessions/current");
  }

  async sessions(): Promise<readonly SessionBody[]> {
    return this.again("GET", "/sessions");
  }

  async endSession(id: string): Promise<void> {
    await this.once("DELETE", `/sessions/${encodeURIComponent(id)}`);
  }

  // -- rooms and people -----------------------------------------------------

  async rooms(asked: { readonly prefix?: string; readonly after?: string; readonly limit?: number } = {}): Promise<Page<RoomBody>> {
    return this.page("/rooms", asked);
  }

  async room(id: string): Promise<RoomBody> {
    return this.again("GET", `/room/${encodeURIComponent(id)}`);
  }

  async createRoom(name: string): Promise<RoomBody> {
    return this.once("POST", "/rooms", { name });
  }

  async people(asked: { readonly prefix?: string; readonly after?: string; readonly limit?: number } = {}): Promise<Page<UserBody>> {
    return this.page("/users", asked);
  }

  async person(name: string): Promise<UserBody> {
    return this.again("GET", `/user/${encodeURIComponent(name)}`);
  }

  // -- messages -------------------------------------------------------------

  /** Rejects only when the server refused, or when there was no answer for as long as patience goes. */
  async post(target: Target, text: string, options: { readonly key?: string } = {}): Promise<Message | Sent> {
    return this.again("POST", `${pathOf(target)}/messages`, { text }, { "Idempotency-Key": options.key ?? newKey() });
  }

  /** As `post`, tried a single time: for callers that keep what is unsent and try again themselves. */
  async postOnce(target: Target, text: string, key: string): Promise<Message | Sent> {
    return this.once("POST", `${pathOf(target)}/messages`, { text }, { "Idempotency-Key": key });
  }

  /** A page of messages, oldest first. Without a cursor the newest. */
  async history(source: Source, asked: Asked = {}): Promise<Page<LogEvent>> {
    const path =
      source === "inbox"
        ? "/inbox/messages"
        : "room" in source
          ? `/room/${encodeURIComponent(source.room)}/messages`
          : `/user/${encodeURIComponent(source.with)}/messages`;
    return this.page(path, asked, asked.after === undefined ? "prev" : "next");
  }

  // -- what was read --------------------------------------------------------

  async marks(asked: { readonly after?: string; readonly limit?: number } = {}): Promise<Page<RoomMark>> {
    return this.page("/marks", asked);
  }

  async conversations(asked: { readonly after?: string; readonly limit?: number } = {}): Promise<Page<Conversation>> {
    return this.page("/conversations", asked);
  }

  /** Everything up to `seq` was read there; a room is followed from then on. The mark as it is now. */
  async mark(target: Target, seq: number): Promise<number> {
    const marked: { readonly seq: number } = await this.again("PUT", `${pathOf(target)}/mark`, { seq });
    return marked.seq;
  }

  /** As `mark`, tried a single time. */
  async markOnce(target: Target, seq: number): Promise<number> {
    const marked: { readonly seq: number } = await this.once("PUT", `${pathOf(target)}/mark`, { seq });
    return marked.seq;
  }

  async unfollow(room: string): Promise<void> {
    await this.once("DELETE", `/room/${encodeURIComponent(room)}/mark`);
  }

  // -- live -----------------------------------------------------------------

  // -- requests -------------------------------------------------------------

  /** Where a WebSocket or an EventSource is opened, without a ticket: the cookie goes along. */
  address(path: string, scheme: "http" | "ws"): string {
    const base = this.url || globalThis.location.origin;
    return scheme === "ws" ? base.replace(/^http/, "ws") + path : base + path;
  }

  /** Addresses with a ticket, for those who hold a token: neither takes an Authorization field. */
  async offer(query: string): Promise<{ readonly event_stream: string; readonly websocket: string }> {
    return this.once("GET", `/subscribe?${query}`);
  }

  private async page<T>(path: string, asked: object, rel: "next" | "prev" = "next"): Promise<Page<T>> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(asked)) {
      if (value !== undefined && value !== "") query.set(name, String(value));
    }
    return this.retried(
      () => this.request("GET", query.size ? `${path}?${query}` : path),
      async (answer) => ({
        items: await read<readonly T[]>(answer),
        more: (answer.headers.get("link") ?? "").includes(`rel="${rel}"`),
        cursor: (answer.headers.get("etag") ?? "").replace(/^W\/|"/g, ""),
      }),
    );
  }

  private async once<T>(method: string, path: string, body?: object, fields: Record<string, string> = {}): Promise<T> {
    return read<T>(await this.request(method, path, body, fields));
  }

  private async again<T>(method: string, path: string, body?: object, fields: Record<string, string> = {}): Promise<T> {
    return this.retried(() => this.request(method, path, body, fields), read<T>);
  }

  /** An answer that was cut before all of it was read is no answer either. */
  private async retried<T>(request: () => Promise<Response>, take: (answer: Response) => Promise<T>): Promise<T> {
    const backoff = new Backoff(this.chance);
    const until = this.nowMs() + this.patienceSeconds * 1000;
    for (;;) {
      try {
        return await take(await request());
      } catch (problem) {
        if (!(problem instanceof Problem) || !problem.passes) throw problem;
        const wait = problem.retryAfter ?? backoff.next();
        if (this.nowMs() + wait * 1000 > until) throw problem;
        await this.sleep(wait);
      }
    }
  }

  private async request(method: string, path: string, body?: object, fields: Record<string, string> = {}): Promise<Response> {
    let answer: Response;
    try {
      answer = await this.fetch(this.url + path, {
        method,
        headers: {
          Accept: "application/json",
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
          ...(this.token === undefined ? {} : { Authorization: `Bearer ${this.token}` }),
          ...fields,
        },
        body: body === undefined ? null : JSON.stringify(body),
        credentials: this.token === undefined ? "same-origin" : "omit",
        cache: "no-store",
        signal: AbortSignal.timeout(ANSWER_SECONDS * 1000),
      });
    } catch (why) {
      throw Problem.unreachable(why);
    }
    if (!answer.ok && answer.status !== 202) throw await Problem.of(answer);
    return answer;
  }
}

async function read<T>(answer: Response): Promise<T> {
  if (answer.status === 204) return undefined as T;
  try {
    return (await answer.json()) as T;
  } catch (why) {
    throw Problem.unreachable(why);
  }
}

function pathOf(target: Target): string {
  return "room" in target ? `/room/${encodeURIComponent(target.room)}` : `/user/${encodeURIComponent(target.to)}`;
}

/** A key nobody else has: what names a post for ever. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
