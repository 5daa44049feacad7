import { describe, expect, test } from "vitest";

import { type Client, Problem } from "../../client";
import type { Memory } from "./memory";
import { Sending } from "./sending";

interface Post {
  readonly place: string;
  readonly text: string;
  readonly key: string;
  store(seq: number): Promise<void>;
  refuse(problem: Problem): Promise<void>;
}

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
};

function memoryIn(kept: Map<string, string>): Memory {
  return {
    get: (name) => kept.get(name) ?? null,
    set: (name, text) => void kept.set(name, text),
    delete: (name) => void kept.delete(name),
    names: (beginning) => [...kept.keys()].filter((name) => name.startsWith(beginning)).map((name) => name.slice(beginning.length)),
  };
}

function tab(kept = new Map<string, string>(), user = "ada") {
  const posts: Post[] = [];
  const stored: string[] = [];
  const timers: { readonly atMs: number; readonly act: () => void }[] = [];
  const now = { ms: 1000, ours: true };
  let keys = 0;
  const client = {
    postOnce: (target: { readonly room?: string; readonly to?: string }, text: string, key: string) =>
      new Promise((done, fail) => {
        posts.push({
          place: target.room === undefined ? `person/${target.to}` : `room/${target.room}`,
          text,
          key,
          store: async (seq) => {
            done({ seq });
            await settled();
          },
          refuse: async (problem) => {
            fail(problem);
            await settled();
          },
        });
      }),
  } as unknown as Client;
  const sending = new Sending({
    client,
    memory: memoryIn(kept),
    user,
    nowMs: () => now.ms,
    setTimeout: (act, ms) => timers.push({ atMs: now.ms + ms, act }),
    chance: () => 1,
    newKey: () => `${user}-${kept.size}-${++keys}`,
    isOurs: () => now.ours,
    stored: (place, seq) => stored.push(`${place} ${seq}`),
  });
  const pass = async (seconds: number): Promise<void> => {
    now.ms += seconds * 1000;
    for (const timer of timers.splice(0)) {
      if (timer.atMs <= now.ms) timer.act();
      else timers.push(timer);
    }
    await settled();
  };
  const texts = (): string[] => posts.map((post) => post.text);
  const states = (): string[] => sending.outbox.value.map((each) => `${each.text} ${each.seq === undefined ? each.state : each.seq}`);
  const post = (index: number): Post => {
    const found = posts.at(index);
    if (!found) throw new Error(`there is no post ${index}`);
    return found;
  };
  return { sending, posts, post, stored, kept, now, pass, texts, states };
}

const unreachable = (): Problem => new Problem("unreachable", 0);
const tooFast = (retry_after: number): Problem => new Problem("too-fast", 429, { retry_after });

describe("in one place", () => {
  test("the next goes out when the one before it is stored", async () => {
    const it = tab();
    it.sending.write("room/r", "one");
    it.sending.write("room/r", "two");
    expect(it.texts()).toEqual(["one"]);
    await it.post(0).store(7);
    expect(it.texts()).toEqual(["one", "two"]);
    expect(it.stored).toEqual(["room/r 7"]);
    expect(it.states()).toEqual(["one 7", "two sending"]);
  });

  test("nothing overtakes what waits", async () => {
    const it = tab();
    it.sending.write("room/r", "one");
    await it.post(0).refuse(unreachable());
    it.sending.write("room/r", "two");
    await it.pass(60);
    expect(it.texts()).toEqual(["one", "one"]);
    expect(it.post(0).key).toBe(it.post(1).key);
  });

  test("what the server refuses holds up nobody, and can be tried again or let go", async () => {
    const it = tab();
    it.sending.write("room/r", "one");
    it.sending.write("room/r", "two");
    await it.post(0).refuse(new Problem("too-large", 413));
    expect(it.states()).toEqual(["one failed", "two sending"]);
    await it.post(1).store(7);
    const { key } = it.post(0);
    it.sending.retry(key);
    expect(it.post(2)).toMatchObject({ text: "one", key });
    await it.post(2).refuse(new Problem("too-large", 413));
    it.sending.discard(key);
    expect(it.states()).toEqual(["two 7"]);
    expect([...it.kept.keys()]).toEqual([]);
  });
});

test("places do not wait for one another", () => {
  const it = tab();
  it.sending.write("room/r", "one");
  it.sending.write("person/bob", "two");
  expect(it.posts.map((post) => post.place)).toEqual(["room/r", "person/bob"]);
});

describe("what waits", () => {
  test("is sent again after a while, which grows", async () => {
    const it = tab();
    it.sending.write("room/r", "one");
    await it.post(0).refuse(unreachable());
    expect(it.states()).toEqual(["one waiting"]);
    await it.pass(0.4);
    expect(it.posts).toHaveLength(1);
    await it.pass(0.1);
    expect(it.posts).toHaveLength(2);
    await it.post(1).refuse(unreachable());
    await it.pass(0.9);
    expect(it.posts).toHaveLength(2);
    await it.pass(0.1);
    expect(it.posts).toHaveLength(3);
  });

  test("is sent when the connection is back", async () => {
    const it = tab();
    it.sending.write("room/r", "one");
    await it.post(0).refuse(unreachable());
    it.sending.wake();
    expect(it.posts).toHaveLength(2);
  });

  test("waits as long as the server asked, whatever happens", async () => {
    const it = tab();
    it.sending.write("room/r", "one");
    await it.post(0).refuse(tooFast(5));
    it.sending.wake();
    it.sending.write("person/bob", "two");
    await it.pass(4.9);
    expect(it.posts).toHaveLength(1);
    await it.pass(0.1);
    expect(it.texts()).toEqual(["one", "one", "two"]);
  });

  test("waits for the sign-in when the session is over", async () => {
    const it = tab();
    it.sending.write("room/r", "one");
    await it.post(0).refuse(new Problem("not-signed-in", 401));
    expect(it.states()).toEqual(["one waiting"]);
    expect(it.kept.size).toBe(1);
  });
});

describe("over a reload", () => {
  test("what is unsent goes out in its order, under its keys", async () => {
    const before = tab();
    before.sending.write("room/r", "one");
    before.sending.write("room/r", "two");
    before.sending.stop();
    const after = tab(before.kept);
    expect(after.states()).toEqual(["one waiting", "two waiting"]);
    after.sending.wake();
    expect(after.post(0)).toMatchObject({ text: "one", key: before.post(0).key });
    await after.post(0).store(7);
    expect(after.texts()).toEqual(["one", "two"]);
    await after.post(1).store(8);
    expect(after.kept.size).toBe(0);
  });

  test("what was refused stays refused", async () => {
    const before = tab();
    before.sending.write("room/r", "one");
    await before.post(0).refuse(new Problem("too-large", 413));
    const after = tab(before.kept);
    after.sending.wake();
    expect(after.states()).toEqual(["one failed"]);
    expect(after.posts).toHaveLength(0);
  });

  test("what somebody else wrote at this computer stays theirs", () => {
    const ada = tab();
    ada.sending.write("room/r", "one");
    expect(tab(ada.kept, "bob").states()).toEqual([]);
  });
});

describe("in two tabs", () => {
  test("what one has stored or let go the other does not send", () => {
    const one = tab();
    one.sending.write("room/r", "one");
    one.sending.stop();
    const two = tab(one.kept);
    two.sending.forgotten(`ada:unsent:${one.post(0).key}`);
    two.sending.wake();
    expect(two.posts).toHaveLength(0);
  });

  test("what one has let go the other does not send, also while it sends something before it", async () => {
    const it = tab();
    it.sending.write("room/r", "one");
    it.sending.write("room/r", "two");
    const second = it.sending.outbox.value[1]?.key;
    it.sending.forgotten(`ada:unsent:${second}`);
    it.sending.forgotten(`ada:unsent:${it.post(0).key}`); // on its way: its answer tells
    expect(it.states()).toEqual(["one sending"]);
    await it.post(0).store(7);
    expect(it.texts()).toEqual(["one"]);
  });

  test("nothing goes out when the browser's session is somebody else's", async () => {
    const it = tab();
    it.now.ours = false;
    it.sending.write("room/r", "one");
    await it.pass(60);
    expect(it.posts).toHaveLength(0);
    it.now.ours = true;
    it.sending.wake();
    expect(it.posts).toHaveLength(1);
  });
});

test("what is stored is shown until its event is, whichever comes first", async () => {
  const it = tab();
  it.sending.write("room/r", "one");
  it.sending.write("room/r", "two");
  it.sending.seen(it.post(0).key); // before the answer
  await it.post(0).store(7);
  await it.post(1).store(8);
  expect(it.states()).toEqual(["two 8"]);
  it.sending.settle("room/r", 8);
  expect(it.states()).toEqual([]);
});

test("what is stopped sends nothing more", async () => {
  const it = tab();
  it.sending.write("room/r", "one");
  await it.post(0).refuse(unreachable());
  it.sending.stop();
  await it.pass(60);
  expect(it.posts).toHaveLength(1);
});
