import { describe, expect, test } from "vitest";

import { Client, type ClientOptions, newKey } from "./client";
import { Problem } from "./problem";

type Answer = Response | Error;

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body: unknown;
  readonly credentials: string | undefined;
}

/** A server that gives these answers in turn, and the last of them for ever. Waiting takes no time, but is counted. */
function server(answers: readonly (() => Answer)[], options: ClientOptions = {}, url = "") {
  const asked: Asked[] = [];
  const slept: number[] = [];
  let nowMs = 0;
  const client = new Client(url, {
    chance: () => 1,
    nowMs: () => nowMs,
    sleep: async (seconds) => {
      slept.push(seconds);
      nowMs += seconds * 1000;
    },
    fetch: async (where, init) => {
      asked.push({
        method: init?.method ?? "GET",
        url: String(where),
        headers: new Headers(init?.headers),
        body: typeof init?.body === "string" ? (JSON.parse(init.body) as unknown) : undefined,
        credentials: init?.credentials,
      });
      const answer = answers[Math.min(asked.length, answers.length) - 1]?.() ?? new TypeError("no answer");
      if (answer instanceof Error) throw answer;
      return answer;
    },
    ...options,
  });
  return { client, asked, slept };
}

const json = (body: unknown, status = 200, headers: Record<string, string> = {}) => (): Response =>
  new Response(JSON.stringify(body), { status, headers });
const problem = (code: string, status: number, members: object = {}, headers: Record<string, string> = {}) =>
  json({ type: `/problems/${code}`, title: code, status, ...members }, status, headers);
const nobody = (): Error => new TypeError("fetch failed");
const stored = { type: "message", id: "m1", room: "a", seq: 1, sender: "ada", text: "hi", sent_at: "" };

async function refusal(act: Promise<unknown>): Promise<Problem> {
  const found: unknown = await act.then(
    () => undefined,
    (why: unknown) => why,
  );
  expect(found).toBeInstanceOf(Problem);
  return found as Problem;
}

describe("a post", () => {
  test("goes out under the same key until there is an answer", async () => {
    const { client, asked } = server([nobody, problem("overloaded", 503), json(stored, 201)]);
    expect(await client.post({ room: "a" }, "hi")).toEqual(stored);
    const keys = asked.map((each) => each.headers.get("idempotency-key"));
    expect(keys).toHaveLength(3);
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set(keys).size).toBe(1);
    expect(asked[0]).toMatchObject({ method: "POST", url: "/room/a/messages", body: { text: "hi" } });
  });

  test("has another key than the post before it", async () => {
    const { client, asked } = server([json(stored, 201)]);
    await client.post({ room: "a" }, "hi");
    await client.post({ room: "a" }, "hi");
    expect(asked[0]?.headers.get("idempotency-key")).not.toBe(asked[1]?.headers.get("idempotency-key"));
  });

  test("goes out under the key that is given", async () => {
    const { client, asked } = server([json(stored, 201)]);
    await client.post({ to: "bob" }, "hi", { key: "k1" });
    expect(asked[0]?.url).toBe("/user/bob/messages");
    expect(asked[0]?.headers.get("idempotency-key")).toBe("k1");
  });

  test("is not tried again when the server refused it", async () => {
    const { client, asked } = server([problem("key-reused", 409, { conflicts_with: "m7" })]);
    const refused = await refusal(client.post({ room: "a" }, "hi"));
    expect(refused.code).toBe("key-reused");
    expect(refused.body.conflicts_with).toBe("m7");
    expect(asked).toHaveLength(1);
  });

  test("that is tried once is tried once", async () => {
    const { client, asked } = server([nobody]);
    expect((await refusal(client.postOnce({ room: "a" }, "hi", "k1"))).code).toBe("unreachable");
    expect(asked).toHaveLength(1);
  });

  test("is tried again when the answer is cut in the middle", async () => {
    const { client, asked } = server([() => new Response('{"type":"mess', { status: 201 }), json(stored, 201)]);
    expect(await client.post({ room: "a" }, "hi", { key: "k1" })).toEqual(stored);
    expect(asked).toHaveLength(2);
  });
});

describe("trying again", () => {
  test("waits as long as the server asks, and else longer each time", async () => {
    const { client, slept } = server([
      problem("too-fast", 429, { retry_after: 1.25 }, { "retry-after": "2" }),
      problem("overloaded", 503, {}, { "retry-after": "3" }),
      nobody,
      nobody,
      json([]),
    ]);
    await client.sessions();
    expect(slept).toEqual([1.25, 3, 0.5, 1]);
  });

  test("ends when patience does", async () => {
    const { client, slept } = server([nobody], { patienceSeconds: 4 });
    expect((await refusal(client.session())).status).toBe(0);
    expect(slept).toEqual([0.5, 1, 2]);
  });

  test("does not begin a wait that patience will not see the end of", async () => {
    const { client, slept } = server([problem("too-fast", 429, { retry_after: 60 })], { patienceSeconds: 30 });
    expect((await refusal(client.session())).retryAfter).toBe(60);
    expect(slept).toEqual([]);
  });

  test("is not done for what changes something and has no key", async () => {
    for (const act of [
      (client: Client) => client.signIn("ada", "password"),
      (client: Client) => client.signUp("ada", "password"),
      (client: Client) => client.createRoom("Lounge"),
    ]) {
      const { client, asked } = server([problem("overloaded", 503)]);
      await refusal(act(client));
      expect(asked).toHaveLength(1);
    }
  });
});

describe("a refusal", () => {
  test("is named as the server names it", async () => {
    const { client } = server([problem("not-signed-in", 401, { detail: "Sign in." })]);
    const refused = await refusal(client.session());
    expect(refused).toMatchObject({ code: "not-signed-in", status: 401, message: "Sign in.", signedOut: true });
  });

  test("of a password ends no session", async () => {
    const { client } = server([problem("wrong-credentials", 401)]);
    expect((await refusal(client.signIn("ada", "wrong"))).signedOut).toBe(false);
  });

  test("by something in between that speaks no JSON is still a refusal", async () => {
    const { client } = server([() => new Response("<h1>Bad gateway</h1>", { status: 502 })], { patienceSeconds: 0 });
    expect(await refusal(client.session())).toMatchObject({ code: "unexpected", status: 502, passes: true });
  });
});

describe("who asks", () => {
  test("is told by the cookie on the server's own pages", async () => {
    const { client, asked } = server([json([])]);
    await client.sessions();
    expect(asked[0]?.headers.has("authorization")).toBe(false);
    expect(asked[0]?.credentials).toBe("same-origin");
  });

  test("is told by the token elsewhere, and no cookie goes along", async () => {
    const { client, asked } = server([json([])], { token: "hb_1" }, "https://chat.example.org/");
    await client.sessions();
    expect(asked[0]?.url).toBe("https://chat.example.org/sessions");
    expect(asked[0]?.headers.get("authorization")).toBe("Bearer hb_1");
    expect(asked[0]?.credentials).toBe("omit");
  });

  test("signs in with a token, or with a cookie that no script sees", async () => {
    const { client, asked } = server([json({ token: "hb_1", id: "s", user: "ada", expires_at: "" }, 201), json([])]);
    await client.signIn("ada", "password");
    await client.sessions();
    expect(asked[0]?.body).toEqual({ name: "ada", password: "password" });
    expect(asked[1]?.headers.get("authorization")).toBe("Bearer hb_1");

    const page = server([json({ id: "s", user: "ada", expires_at: "" }, 201)]);
    await page.client.signIn("ada", "password", { cookie: true });
    expect(page.asked[0]?.body).toEqual({ name: "ada", password: "password", cookie: true });
    expect(page.client.token).toBeUndefined();
  });

  test("holds no token any more once signed out", async () => {
    const { client } = server([() => new Response(null, { status: 204 })], { token: "hb_1" });
    await client.signOut();
    expect(client.token).toBeUndefined();
  });
});

describe("a page of messages", () => {
  test("says whether more follows in the direction of reading, and where the log ends", async () => {
    const links = '<https://x/?after=1>; rel="next"';
    const newest = server([json([stored], 200, { etag: '"e1:15"', link: links })]);
    expect(await newest.client.history({ room: "a" }, { limit: 50 })).toEqual({ items: [stored], more: false, cursor: "e1:15" });
    expect(newest.asked[0]?.url).toBe("/room/a/messages?limit=50");

    const onward = server([json([stored], 200, { etag: 'W/"e1:15"', link: links })]);
    expect(await onward.client.history({ with: "bob" }, { after: 0 })).toMatchObject({ more: true, cursor: "e1:15" });
    expect(onward.asked[0]?.url).toBe("/user/bob/messages?after=0");
  });

  test("of the inbox has its own address", async () => {
    const { client, asked } = server([json([])]);
    await client.history("inbox", { limit: 1 });
    expect(asked[0]?.url).toBe("/inbox/messages?limit=1");
  });
});

test("a mark answers where it is now, and unfollowing takes it away", async () => {
  const { client, asked } = server([json({ room: "a", seq: 9 }), () => new Response(null, { status: 204 })]);
  expect(await client.mark({ room: "a" }, 7)).toBe(9);
  await client.unfollow("a");
  expect(asked).toMatchObject([
    { method: "PUT", url: "/room/a/mark", body: { seq: 7 } },
    { method: "DELETE", url: "/room/a/mark" },
  ]);
});

test("names in addresses cannot lead elsewhere", async () => {
  const { client, asked } = server([json({})]);
  await client.room("../users?x=1");
  expect(asked[0]?.url).toBe("/room/..%2Fusers%3Fx%3D1");
});

test("no two keys are the same", () => {
  expect(new Set(Array.from({ length: 1000 }, newKey)).size).toBe(1000);
});
