import { describe, expect, test } from "vitest";

import { Client } from "./client";
import { Listener, type LineState } from "./listener";
import type { Bye, LogEvent, LogName, Mark } from "./wire";
import type { Wish } from "./cursors";

const R: LogName = "room/r";

/** What a WebSocket is to a listener. The other end is the test. */
class FakeSocket {
  readyState = 0;
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: ((close: { code: number }) => void) | null = null;
  readonly sent: Record<string, unknown>[] = [];
  closed = false;

  constructor(readonly url: string) {}

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }

  close(): void {
    this.closed = true;
  }

  says(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  cut(code = 1006): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }
}

class FakeStream extends EventTarget {
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  closed = false;

  constructor(readonly url: string) {
    super();
  }

  close(): void {
    this.closed = true;
  }

  says(frame: LogEvent | Bye): void {
    this.dispatchEvent(new MessageEvent(frame.type, { data: JSON.stringify(frame) }));
  }
}

/** Time that passes when the test says so. */
class Clock {
  nowMs = 1000;
  private timers: { readonly atMs: number; readonly act: () => void; readonly id: number }[] = [];
  private ids = 0;

  setTimeout = (act: () => void, ms: number): number => {
    this.timers.push({ atMs: this.nowMs + ms, act, id: ++this.ids });
    return this.ids;
  };

  clearTimeout = (id: number): void => {
    this.timers = this.timers.filter((each) => each.id !== id);
  };

  async pass(seconds: number): Promise<void> {
    const until = this.nowMs + seconds * 1000;
    for (;;) {
      await settled();
      const next = this.timers.filter((each) => each.atMs <= until).sort((a, b) => a.atMs - b.atMs)[0];
      if (!next) break;
      this.clearTimeout(next.id);
      this.nowMs = next.atMs;
      next.act();
    }
    this.nowMs = until;
  }
}

/** Promises that need no time have come true after this. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 400; turn++) await Promise.resolve();
}

type Answerer = (path: string) => Response | Error;

function scene(options: { readonly token?: string; readonly noEventSource?: boolean; readonly noWebSocket?: boolean } = {}) {
  const clock = new Clock();
  const sockets: FakeSocket[] = [];
  const streams: FakeStream[] = [];
  const asked: string[] = [];
  const told: string[] = [];
  const events: LogEvent[] = [];
  const marks: Mark[] = [];
  const states: LineState[] = [];
  const server: { answers: Answerer } = { answers: () => Response.json({ user: "ada" }) };
  const client = new Client("https://chat.example.org", {
    ...(options.token ? { token: options.token } : {}),
    fetch: async (url) => {
      const path = String(url).slice("https://chat.example.org".length);
      asked.push(path);
      const answer = server.answers(path);
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });
  const listener: Listener = new Listener(
    client,
    {
      event: (event) => events.push(event),
      mark: (mark) => marks.push(mark),
      behind: (log, why) => {
        told.push(`behind ${log} ${why}`);
        onBehind(log);
      },
      refused: (log, code) => told.push(`refused ${log} ${code}`),
      ended: (reason) => told.push(`ended ${reason}`),
      head: (log, head) => told.push(`head ${log} ${head}`),
      state: (state) => states.push(state),
    },
    {
      WebSocket: options.noWebSocket
        ? null
        : (class extends FakeSocket {
            constructor(url: string) {
              super(url);
              sockets.push(this);
            }
          } as never),
      EventSource: options.noEventSource
        ? null
        : (class extends FakeStream {
            constructor(url: string) {
              super(url);
              streams.push(this);
            }
          } as never),
      setTimeout: clock.setTimeout,
      clearTimeout: clock.clearTimeout as never,
      nowMs: () => clock.nowMs,
      chance: () => 1,
    },
  );
  let onBehind: (log: LogName) => void = () => {};

  const socket = (): FakeSocket => {
    const last = sockets.at(-1);
    if (!last) throw new Error("no WebSocket was opened");
    return last;
  };
  const stream = (): FakeStream => {
    const last = streams.at(-1);
    if (!last) throw new Error("no event stream was opened");
    return last;
  };
  return {
    clock, sockets, streams, asked, told, marks, states, server, listener, socket, stream,
    seqs: (): number[] => events.map((event) => (event.type === "gap" ? event.last : event.seq)),
    whenBehind: (act: (log: LogName) => void): void => {
      onBehind = act;
    },
    state: (): string => listener.state.state,
    /** Listen, connect, and be answered with these heads. */
    async live(wishes: Partial<Record<LogName, Wish>>, heads: Partial<Record<LogName, number>>): Promise<void> {
      for (const [log, wish] of Object.entries(wishes)) listener.listen(log as LogName, wish);
      listener.start();
      await settled();
      hello(socket());
      answer(socket(), heads);
    },
  };
}

function hello(socket: FakeSocket, epoch = "e1"): void {
  socket.readyState = 1;
  socket.says({ type: "hello", user: "ada", epoch, ping_seconds: 25, max_text_bytes: 16384 });
}

/** Answer the subscriptions that are out as a server does: in order, and with what was missed. */
function answer(socket: FakeSocket, heads: Partial<Record<string, number>>): void {
  for (const frame of socket.sent.splice(0)) {
    if (frame["type"] === "unsubscribe") {
      socket.says({ ...frame, type: "unsubscribed" });
      continue;
    }
    const log = frame["inbox"] ? "inbox" : `room/${String(frame["room"])}`;
    const head = heads[log] ?? 0;
    const { after, ...rest } = frame;
    socket.says({ ...rest, type: "subscribed", head });
    if (after === undefined) continue;
    for (let seq = Number(String(after).split(":").at(-1)) + 1; seq <= head; seq++) socket.says(said(seq, log));
  }
}

function said(seq: number, log = "room/r"): LogEvent {
  const where = log === "inbox" ? { to: "ada" } : { room: log.slice(5) };
  return { type: "message", id: `m${seq}`, ...where, seq, sender: "bob", text: "hi", sent_at: "" };
}

const refusedWith = (code: string, status: number, members: object = {}) => (): Response =>
  Response.json({ type: `/problems/${code}`, title: code, status, ...members }, { status });
const subscriptions = (socket: FakeSocket): unknown[] => socket.sent.filter((each) => each["type"] === "subscribe");

describe("over a WebSocket", () => {
  test("what comes is handed on once and in order", async () => {
    const it = scene();
    await it.live({ [R]: { after: 2 } }, { [R]: 4 });
    it.socket().says(said(5));
    it.socket().says(said(5));
    it.socket().says(said(4));
    expect(it.seqs()).toEqual([3, 4, 5]);
  });

  test("it is live when every log has been answered, and not before", async () => {
    const it = scene();
    it.listener.listen("inbox", { after: 0 });
    it.listener.listen(R, { after: 0 });
    it.listener.start();
    hello(it.socket());
    const [inbox] = it.socket().sent;
    it.socket().says({ ...inbox, type: "subscribed", head: 0 });
    expect(it.state()).toBe("connecting");
    answer(it.socket(), {});
    expect(it.listener.state).toEqual({ state: "live", transport: "websocket" });
  });

  test("with nothing to listen to it is live at once", async () => {
    const it = scene();
    await it.live({}, {});
    expect(it.state()).toBe("live");
  });

  test("after a cut it goes on after the last event, of the same history", async () => {
    const it = scene();
    await it.live({ [R]: { after: 2 }, inbox: { after: 0 } }, { [R]: 4 });
    it.socket().cut();
    expect(it.state()).toBe("waiting");
    await it.clock.pass(0.5);
    expect(it.sockets).toHaveLength(2);
    hello(it.socket());
    expect(subscriptions(it.socket())).toMatchObject(
      [{ inbox: true, after: "e1:0" }, { room: "r", after: "e1:4" }],
    );
    answer(it.socket(), { [R]: 6 });
    expect(it.seqs()).toEqual([3, 4, 5, 6]);
  });

  test("an old connection that still talks is not heard", async () => {
    const it = scene();
    await it.live({ [R]: { after: 0 } }, {});
    it.listener.doubt();
    await it.clock.pass(11); // no answer: it is given up
    expect(it.sockets).toHaveLength(2);
    it.sockets[0]?.says(said(1));
    it.sockets[0]?.cut();
    expect(it.seqs()).toEqual([]);
    expect(it.sockets).toHaveLength(2);
  });

  test("pauses grow while the connection does not last, and begin anew when it did", async () => {
    const it = scene({ noEventSource: true });
    await it.live({ [R]: { after: 0 } }, {});
    const waits: number[] = [];
    for (let round = 0; round < 4; round++) {
      it.socket().cut(1011);
      const state = it.listener.state;
      waits.push(state.state === "waiting" ? (state.atMs - it.clock.nowMs) / 1000 : NaN);
      await it.clock.pass(waits.at(-1) ?? 0);
      hello(it.socket());
      answer(it.socket(), {});
    }
    expect(waits).toEqual([0.5, 1, 2, 4]);
    for (let quiet = 0; quiet < 6; quiet++) {
      await it.clock.pass(10);
      it.socket().says(said(quiet + 1));
    }
    it.socket().cut();
    expect(it.listener.state).toEqual({ state: "waiting", atMs: it.clock.nowMs + 500 });
  });

  test("bye says how long to wait", async () => {
    const it = scene();
    await it.live({ [R]: { after: 0 } }, {});
    it.socket().says({ type: "bye", reason: "shutting-down", retry_after: 2.71 });
    it.socket().cut(1012);
    expect(it.listener.state).toEqual({ state: "waiting", atMs: it.clock.nowMs + 2710 });
    await it.clock.pass(2.7);
    expect(it.sockets).toHaveLength(1);
    await it.clock.pass(0.02);
    expect(it.sockets).toHaveLength(2);
  });

  test.each(["signed-out", "expired", "disabled"])("bye because one is %s ends it", async (reason) => {
    const it = scene();
    await it.live({ [R]: { after: 0 } }, {});
    it.socket().says({ type: "bye", reason });
    it.socket().cut(4401);
    await it.clock.pass(600);
    expect(it.told).toContain(`ended ${reason}`);
    expect(it.told.filter((each) => each.startsWith("ended"))).toHaveLength(1);
    expect(it.sockets).toHaveLength(1);
    expect(it.state()).toBe("stopped");
  });

  test("4401 ends it also without a bye", async () => {
    const it = scene();
    await it.live({ [R]: { after: 0 } }, {});
    it.socket().cut(4401);
    await it.clock.pass(600);
    expect(it.told).toContain("ended signed-out");
    expect(it.sockets).toHaveLength(1);
  });

  test("an opening that fails asks the server why, and ends when the session is over", async () => {
    const it = scene();
    it.server.answers = refusedWith("not-signed-in", 401);
    it.listener.listen(R);
    it.listener.start();
    it.socket().cut();
    await settled();
    expect(it.asked).toEqual(["/sessions/current"]);
    expect(it.told).toEqual(["ended signed-out"]);
  });

  test("what the server answers then says how long to wait", async () => {
    const it = scene();
    it.server.answers = refusedWith("overloaded", 503, { retry_after: 7 });
    it.listener.listen(R);
    it.listener.start();
    it.socket().cut();
    await settled();
    expect(it.listener.state).toEqual({ state: "waiting", atMs: it.clock.nowMs + 7000 });
  });

  test("an opening that never comes about is given up", async () => {
    const it = scene({ noEventSource: true });
    it.server.answers = () => new TypeError("fetch failed");
    it.listener.listen(R);
    it.listener.start();
    await it.clock.pass(14);
    expect(it.sockets).toHaveLength(1);
    await it.clock.pass(2);
    expect(it.sockets[0]?.closed).toBe(true);
    expect(it.sockets).toHaveLength(2);
  });

  test("marks are told", async () => {
    const it = scene();
    await it.live({ inbox: {} }, {});
    it.socket().says({ type: "mark", room: "r", seq: 12 });
    expect(it.marks).toEqual([{ type: "mark", room: "r", seq: 12 }]);
  });

  test("frames of kinds it does not know are passed over", async () => {
    const it = scene();
    await it.live({ [R]: { after: 0 } }, {});
    it.socket().says({ type: "typing", room: "r", user: "bob" });
    it.socket().says(said(1));
    expect(it.seqs()).toEqual([1]);
  });
});

describe("silence", () => {
  test("is asked about, and ends the connection when there is no answer", async () => {
    const it = scene();
    await it.live({ [R]: { after: 0 } }, {});
    await it.clock.pass(50);
    expect(it.socket().sent).toMatchObject([{ type: "unsubscribe", ref: "alive" }]);
    await it.clock.pass(10);
    expect(it.socket().closed || it.sockets.length > 1).toBe(true);
    expect(it.sockets[0]?.closed).toBe(true);
  });

  test("that is answered is none", async () => {
    const it = scene();
    await it.live({ [R]: { after: 0 } }, {});
    for (let round = 0; round < 20; round++) {
      await it.clock.pass(5);
      answer(it.socket(), {});
    }
    expect(it.sockets).toHaveLength(1);
    expect(it.state()).toBe("live");
  });

  test("is asked about at once when there is doubt", async () => {
    const it = scene();
    await it.live({ [R]: { after: 0 } }, {});
    it.listener.doubt();
    expect(it.socket().sent).toMatchObject([{ type: "unsubscribe", ref: "alive" }]);
    await it.clock.pass(11);
    expect(it.sockets[0]?.closed).toBe(true);
  });

  test("while waiting to come back there is no wait when it is asked for", async () => {
    const it = scene();
    await it.live({ [R]: { after: 0 } }, {});
    it.socket().says({ type: "bye", reason: "overloaded", retry_after: 60 });
    it.socket().cut(1012);
    it.listener.reconnect();
    expect(it.sockets).toHaveLength(2);
  });
});

describe("what is listened to", () => {
  test("may come and go while the connection is open", async () => {
    const it = scene();
    await it.live({ [R]: { after: 0 } }, {});
    it.listener.listen("room/s", { after: 3 });
    expect(it.socket().sent).toMatchObject([{ type: "subscribe", room: "s", after: "e1:3" }]);
    answer(it.socket(), { "room/s": 4 });
    expect(it.seqs()).toEqual([4]);
    it.listener.leave("room/s");
    expect(it.socket().sent).toMatchObject([{ type: "unsubscribe", room: "s" }]);
    it.socket().says(said(5, "room/s"));
    expect(it.seqs()).toEqual([4]);
    expect(it.sockets).toHaveLength(1);
  });

  test("that is left before it was answered stays left", async () => {
    const it = scene();
    await it.live({ [R]: { after: 0 } }, {});
    it.listener.listen("room/s", { after: 0 });
    it.listener.leave("room/s");
    answer(it.socket(), { "room/s": 1 });
    expect(it.listener.has("room/s")).toBe(false);
    expect(it.seqs()).toEqual([]);
    expect(it.state()).toBe("live");
  });

  test("named again goes on from the new wish, without a hole, whatever comes in between", async () => {
    const it = scene();
    await it.live({ [R]: { after: 10 } }, { [R]: 10 });
    it.listener.listen(R, { after: 7 });
    it.socket().says(said(11)); // of the older subscription
    answer(it.socket(), { [R]: 11 });
    expect(it.seqs()).toEqual([8, 9, 10, 11]);
  });

  test("named again before it was answered heeds the last answer only", async () => {
    const it = scene();
    await it.live({ [R]: { after: 10 } }, { [R]: 10 });
    it.listener.listen(R, { after: 9 });
    it.listener.listen(R, { after: 7 });
    const [, first] = it.socket().sent.splice(0, 2);
    it.socket().says({ ...first, type: "subscribed", head: 10 });
    it.socket().says(said(10));
    it.socket().says(said(11));
    expect(it.seqs()).toEqual([]);
    answer(it.socket(), { [R]: 11 });
    expect(it.seqs()).toEqual([8, 9, 10, 11]);
  });

  test("without a wish is what comes from now on", async () => {
    const it = scene();
    await it.live({ [R]: {} }, { [R]: 40 });
    expect(it.told).toContain("head room/r 40");
    it.socket().says(said(41));
    expect(it.seqs()).toEqual([41]);
  });

  test("and does not exist is told and forgotten; the others go on", async () => {
    const it = scene();
    it.listener.listen(R, { after: 0 });
    it.listener.listen("room/none");
    it.listener.start();
    hello(it.socket());
    const [room, none] = it.socket().sent.splice(0);
    it.socket().says({ ...room, type: "subscribed", head: 0 });
    it.socket().says({ type: "error", ref: none?.["ref"], status: 404, problem: "/problems/no-such-room", title: "" });
    expect(it.told).toContain("refused room/none no-such-room");
    expect(it.listener.has("room/none")).toBe(false);
    expect(it.state()).toBe("live");
  });
});

describe("who missed too much", () => {
  test("is told so and goes on from the head", async () => {
    const it = scene();
    await it.live({ [R]: { after: 10, replay: 5 } }, { [R]: 10 });
    it.socket().cut();
    await it.clock.pass(0.5);
    hello(it.socket());
    const [frame] = it.socket().sent.splice(0);
    it.socket().says({ ...frame, type: "subscribed", head: 100 });
    it.socket().says(said(11)); // the replay that is not wanted
    expect(it.told).toContain("behind room/r too-much");
    expect(it.socket().sent).toMatchObject([{ type: "unsubscribe", room: "r" }, { type: "subscribe", room: "r" }]);
    expect(it.socket().sent[1]).not.toHaveProperty("after");
    expect(it.state()).toBe("connecting");
    answer(it.socket(), { [R]: 100 });
    it.socket().says(said(101));
    expect(it.seqs()).toEqual([101]);
    expect(it.state()).toBe("live");
  });

  test("may name at once where to go on", async () => {
    const it = scene();
    it.whenBehind((log) => it.listener.listen(log, { after: 98 }));
    await it.live({ [R]: { after: 10, replay: 5 } }, { [R]: 100 });
    answer(it.socket(), { [R]: 100 });
    expect(it.seqs()).toEqual([99, 100]);
    expect(it.state()).toBe("live");
  });

  test("may leave at once", async () => {
    const it = scene();
    it.whenBehind((log) => it.listener.leave(log));
    await it.live({ [R]: { after: 10, replay: 5 } }, { [R]: 100 });
    answer(it.socket(), { [R]: 100 });
    it.socket().says(said(101));
    expect(it.seqs()).toEqual([]);
    expect(it.state()).toBe("live");
  });
});

describe("another history", () => {
  test("puts every log behind, and from its head", async () => {
    const it = scene();
    await it.live({ [R]: { after: 10 }, inbox: { after: 3 } }, { [R]: 10, inbox: 3 });
    it.socket().cut();
    await it.clock.pass(0.5);
    hello(it.socket(), "e2");
    expect(it.told).toEqual(expect.arrayContaining(["behind room/r another-history", "behind inbox another-history"]));
    expect(subscriptions(it.socket())).toHaveLength(2);
    for (const frame of subscriptions(it.socket())) expect(frame).not.toHaveProperty("after");
    answer(it.socket(), { [R]: 4 });
    it.socket().says(said(5));
    expect(it.seqs()).toEqual([5]);
  });

  test("is seen also between the page that was read and the first connection", async () => {
    const it = scene();
    it.listener.listen(R, { after: "e1:10" });
    it.listener.start();
    hello(it.socket(), "e2");
    expect(it.told).toEqual(["behind room/r another-history"]);
  });

  test("and naming where to go on at once subscribes once", async () => {
    const it = scene();
    await it.live({ [R]: { after: 10 } }, { [R]: 10 });
    it.whenBehind((log) => it.listener.listen(log, { after: 2 }));
    it.socket().cut();
    await it.clock.pass(0.5);
    hello(it.socket(), "e2");
    // A log that is subscribed already is refused: between two there has to be an `unsubscribe`.
    expect(it.socket().sent.map((each) => each["type"])).toEqual(["subscribe", "unsubscribe", "subscribe"]);
    answer(it.socket(), { [R]: 4 });
    expect(it.seqs()).toEqual([3, 4]);
  });

  test("of one log is a cursor that is stale", async () => {
    const it = scene();
    it.listener.listen(R, { after: 99 });
    it.listener.start();
    hello(it.socket());
    const [frame] = it.socket().sent.splice(0);
    it.socket().says({ type: "error", ref: frame?.["ref"], status: 409, problem: "/problems/stale-cursor", title: "", head: 4 });
    expect(it.told).toEqual(["behind room/r another-history"]);
    answer(it.socket(), { [R]: 4 });
    it.socket().says(said(5));
    expect(it.seqs()).toEqual([5]);
    expect(it.state()).toBe("live");
  });
});

describe("where no WebSocket comes through", () => {
  async function streaming() {
    const it = scene();
    it.listener.listen(R, { after: 2 });
    it.listener.start();
    it.socket().cut();
    await it.clock.pass(0.5);
    it.socket().cut();
    await settled();
    return it;
  }

  test("an event stream is opened after two openings that the server would have taken", async () => {
    const it = await streaming();
    expect(it.sockets).toHaveLength(2);
    expect(it.stream().url).toBe("https://chat.example.org/subscribe?room=r%402");
    it.stream().onopen?.();
    expect(it.listener.state).toEqual({ state: "live", transport: "event-stream" });
    it.stream().says(said(3));
    it.stream().says(said(3));
    expect(it.seqs()).toEqual([3]);
  });

  test("none is opened while the server answers nothing at all", async () => {
    const it = scene();
    it.server.answers = () => new TypeError("fetch failed");
    it.listener.listen(R, { after: 2 });
    it.listener.start();
    for (let round = 0; round < 5; round++) {
      it.socket().cut();
      await it.clock.pass(30);
    }
    expect(it.streams).toHaveLength(0);
  });

  test("it comes back with the cursors after a cut", async () => {
    const it = await streaming();
    it.stream().onopen?.();
    it.stream().says(said(3));
    it.stream().onerror?.();
    expect(it.streams[0]?.closed).toBe(true);
    await it.clock.pass(1);
    expect(it.streams).toHaveLength(2);
    expect(it.stream().url).toBe("https://chat.example.org/subscribe?room=r%403");
  });

  test("another log is heard on another stream, opened once for several", async () => {
    const it = await streaming();
    it.stream().onopen?.();
    it.listener.listen("inbox", { after: 1 });
    it.listener.listen("room/s", { after: 0 });
    await it.clock.pass(0);
    expect(it.streams).toHaveLength(2);
    expect(it.stream().url).toContain("inbox=1&");
    expect(it.stream().url).toContain("room=s%400");
  });

  test("a WebSocket is tried again later, and taken", async () => {
    const it = await streaming();
    it.stream().onopen?.();
    await it.clock.pass(301);
    expect(it.sockets).toHaveLength(3);
    expect(it.streams[0]?.closed).toBe(true);
    hello(it.socket());
    answer(it.socket(), { [R]: 3 });
    expect(it.listener.state).toEqual({ state: "live", transport: "websocket" });
    expect(it.seqs()).toEqual([3]);
  });

  test("a WebSocket that fails again then leads back to a stream at once", async () => {
    const it = await streaming();
    it.stream().onopen?.();
    await it.clock.pass(301);
    it.socket().cut();
    await settled();
    expect(it.sockets).toHaveLength(3);
    expect(it.streams).toHaveLength(2);
  });

  test("bye over a stream ends it, or says how long to wait", async () => {
    const it = await streaming();
    it.stream().onopen?.();
    it.stream().says({ type: "bye", reason: "overloaded", retry_after: 9 });
    it.stream().onerror?.();
    expect(it.listener.state).toEqual({ state: "waiting", atMs: it.clock.nowMs + 9000 });
    it.listener.reconnect();
    it.stream().onopen?.();
    it.stream().says({ type: "bye", reason: "expired" });
    expect(it.told).toEqual(["ended expired"]);
  });

  test("a stream that is refused for a stale cursor begins at the head", async () => {
    const it = await streaming();
    it.server.answers = (path) => (path.includes("%40") ? refusedWith("stale-cursor", 409)() : Response.json({}));
    it.stream().onerror?.();
    await settled();
    expect(it.told).toEqual(["behind room/r another-history"]);
    it.listener.reconnect();
    await settled();
    for (let round = 0; round < 3 && it.streams.length < 2; round++) {
      it.socket().cut();
      await it.clock.pass(30);
    }
    expect(it.stream().url).toBe("https://chat.example.org/subscribe?room=r");
  });

  test("of many logs those that do not exist are told and forgotten, and the others are heard", async () => {
    const it = scene({ noWebSocket: true });
    it.server.answers = (path) => (/gone-\d/.test(path) ? refusedWith("no-such-room", 404)() : Response.json({}));
    for (let number = 0; number < 30; number++) it.listener.listen(`room/here-${number}`, { after: 1 });
    for (const log of ["room/gone-1", "room/gone-2", "inbox"] as const) it.listener.listen(log, { after: 1 });
    it.listener.start();
    it.stream().onerror?.();
    await it.clock.pass(1);
    expect(it.told).toEqual(["refused room/gone-1 no-such-room", "refused room/gone-2 no-such-room"]);
    expect(it.asked.length).toBeLessThan(20);
    expect(it.streams).toHaveLength(2);
    expect(it.stream().url).not.toContain("gone");
    it.stream().onopen?.();
    it.stream().says(said(2, "room/here-29"));
    expect(it.listener.complete).toBe(true);
    expect(it.seqs()).toEqual([2]);
  });

  test("a log that is refused is asked about no more, and nothing is opened when none is left", async () => {
    const it = scene({ noWebSocket: true });
    it.server.answers = refusedWith("no-such-room", 404);
    it.listener.listen("room/none");
    it.listener.listen("room/nothing");
    it.listener.start();
    it.stream().onerror?.();
    await it.clock.pass(3600);
    expect(it.told).toEqual(["refused room/none no-such-room", "refused room/nothing no-such-room"]);
    expect(it.asked).toHaveLength(3);
    expect(it.streams).toHaveLength(1);
  });

  test("a server that goes away while it is asked which log it is loses none", async () => {
    const it = scene({ noWebSocket: true });
    it.server.answers = (path) =>
      !path.includes("none") ? new TypeError("fetch failed") : refusedWith("no-such-room", 404)();
    it.listener.listen(R, { after: 2 });
    it.listener.listen("room/none");
    it.listener.start();
    it.stream().onerror?.();
    await settled();
    expect(it.told).toEqual([]);
    it.server.answers = (path) => (path.includes("none") ? refusedWith("no-such-room", 404)() : Response.json({}));
    await it.clock.pass(1);
    it.stream().onerror?.();
    await it.clock.pass(1);
    expect(it.told).toEqual(["refused room/none no-such-room"]);
    expect(it.stream().url).toBe("https://chat.example.org/subscribe?room=r%402");
  });

  test("a machine without WebSocket listens to streams only", async () => {
    const it = scene({ noWebSocket: true });
    it.listener.listen(R, { after: 2 });
    it.listener.start();
    expect(it.stream().url).toBe("https://chat.example.org/subscribe?room=r%402");
    it.stream().onopen?.();
    await it.clock.pass(3600);
    expect(it.streams).toHaveLength(1);
  });

  test("a machine with neither is told so at once", () => {
    expect(() => scene({ noWebSocket: true, noEventSource: true })).toThrow("hand one in");
  });

  test("what an address cannot hold is left out, but not the inbox and what is preferred", async () => {
    const it = scene({ noWebSocket: true });
    const rooms = Array.from({ length: 400 }, (_, index): LogName => `room/${String(index).padStart(22, "x")}`);
    for (const log of rooms) it.listener.listen(log, { after: "e1:100" });
    it.listener.listen("inbox", { after: "e1:1" });
    it.listener.prefer(rooms[399]);
    it.listener.start();
    expect(it.stream().url.length).toBeLessThan(6200);
    expect(it.stream().url).toContain("inbox=");
    expect(it.stream().url).toContain(rooms[399]?.slice(5));
    expect(it.listener.complete).toBe(false);
  });
});

describe("with a token", () => {
  const offers = (it: ReturnType<typeof scene>): void => {
    it.server.answers = (path) =>
      path.startsWith("/subscribe?")
        ? Response.json(
            { event_stream: `https://chat.example.org${path}&ticket=t`, websocket: `wss://chat.example.org${path}&ticket=t` },
            { status: 202 },
          )
        : Response.json({ user: "ada" });
  };

  test("a ticket is asked for, and its address opened", async () => {
    const it = scene({ token: "hb_1" });
    offers(it);
    it.listener.listen(R, { after: 2 });
    it.listener.start();
    await settled();
    expect(it.asked).toHaveLength(1);
    expect(it.socket().url).toContain("wss://chat.example.org/subscribe?room=r");
    expect(it.socket().url).toContain("ticket=t");
    expect(it.socket().url).not.toContain("hb_1");
  });

  test("nothing is left out between the ticket and the connection", async () => {
    const it = scene({ token: "hb_1" });
    offers(it);
    it.listener.listen(R, { after: 2 });
    it.listener.start();
    await settled();
    hello(it.socket());
    const named = new URL(it.socket().url).searchParams.get("room");
    const from = named?.includes("@") ? Number(named.split("@")[1]?.split(":").at(-1)) : 4;
    it.socket().says({ type: "subscribed", room: "r", head: 4 });
    for (let seq = from + 1; seq <= 5; seq++) it.socket().says(said(seq));
    answer(it.socket(), { [R]: 5 });
    expect(it.seqs()).toEqual([3, 4, 5]);
    expect(it.state()).toBe("live");
  });

  test("another log needs another ticket, also while the first is on its way", async () => {
    const it = scene({ token: "hb_1" });
    offers(it);
    it.listener.listen(R, { after: 2 });
    it.listener.start();
    it.listener.listen("room/s", { after: 0 });
    await it.clock.pass(0.01);
    expect(it.socket().url).toContain("room=s");
    hello(it.socket());
    it.listener.listen("inbox", { after: 0 });
    await it.clock.pass(0.01);
    expect(it.socket().url).toContain("inbox=");
    expect(it.sockets.filter((each) => !each.closed)).toHaveLength(1);
  });

  test("a token that is no good ends it", async () => {
    const it = scene({ token: "hb_1" });
    it.server.answers = refusedWith("not-signed-in", 401);
    it.listener.listen(R, { after: 2 });
    it.listener.start();
    await settled();
    expect(it.told).toEqual(["ended signed-out"]);
    expect(it.sockets).toHaveLength(0);
  });

  test("a room that does not exist is told and forgotten", async () => {
    const it = scene({ token: "hb_1" });
    it.server.answers = refusedWith("no-such-room", 404);
    it.listener.listen("room/none");
    it.listener.start();
    await settled();
    expect(it.told).toEqual(["refused room/none no-such-room"]);
  });

  test("a room that does not exist keeps nobody from hearing the others", async () => {
    const it = scene({ token: "hb_1" });
    offers(it);
    const offering = it.server.answers;
    it.server.answers = (path) => (path.includes("none") ? refusedWith("no-such-room", 404)() : offering(path));
    for (const log of [R, "room/none", "inbox"] as const) it.listener.listen(log, { after: 2 });
    it.listener.start();
    await it.clock.pass(1);
    expect(it.told).toEqual(["refused room/none no-such-room"]);
    expect(it.streams).toHaveLength(0);
    expect(it.sockets).toHaveLength(1);
    hello(it.socket());
    expect(it.listener.complete).toBe(true);
  });
});

test("what is stopped stays stopped", async () => {
  const it = scene();
  await it.live({ [R]: { after: 0 } }, {});
  it.listener.stop();
  await it.clock.pass(600);
  expect(it.socket().closed).toBe(true);
  expect(it.sockets).toHaveLength(1);
  expect(it.state()).toBe("stopped");
});

test("stopped while it asks why, it does not come back", async () => {
  const it = scene();
  it.listener.listen(R);
  it.listener.start();
  it.socket().cut();
  it.listener.stop();
  await it.clock.pass(600);
  expect(it.sockets).toHaveLength(1);
});
