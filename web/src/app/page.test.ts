/** What somebody at a page experiences, with a server, a network and a clock that are made for it. */
import { beforeEach, describe, expect, test } from "vitest";

import { Browser, type Tab } from "../../test/browser";
import { Clock } from "../../test/clock";
import { Refusal, Server } from "../../test/server";
import type { Row } from "./port";

let clock: Clock;
let server: Server;
let browser: Browser;
let lounge: string;

beforeEach(() => {
  clock = new Clock();
  server = new Server(clock);
  server.person("ada", "bob", "cy");
  lounge = server.room("Lounge");
  browser = new Browser(server, clock);
});

const says = (sender: string, ...texts: string[]): void => {
  for (const text of texts) server.says(sender, { room: lounge }, text);
};

async function inLounge(): Promise<Tab> {
  const tab = browser.signedIn("ada").tab(`#/room/${lounge}`);
  await clock.pass(3);
  return tab;
}

const unreadOf = (rows: readonly Row[]): Record<string, number> => Object.fromEntries(rows.map((row) => [row.name, row.unread]));

describe("who is here", () => {
  test("a browser without a session is asked to sign in, and does", async () => {
    const tab = browser.tab();
    expect(tab.port.session.value).toEqual({ state: "unknown" });
    await clock.pass(1);
    expect(tab.port.session.value).toEqual({ state: "out", why: "never" });
    const wrong = tab.port.acts.signIn("ada", "no");
    await clock.pass(1);
    expect(await wrong).toMatchObject({ ok: false, trouble: { code: "wrong-credentials" } });
    const right = tab.port.acts.signIn("ada", "password");
    await clock.pass(1);
    expect(await right).toEqual({ ok: true, value: undefined });
    expect(tab.port.session.value).toEqual({ state: "in", user: "ada" });
    expect(tab.port.connection.value).toEqual({ state: "live", transport: "websocket" });
  });

  test("signing up signs in", async () => {
    const tab = browser.tab();
    await clock.pass(1);
    void tab.port.acts.signUp("dee", "password");
    await clock.pass(1);
    expect(tab.port.session.value).toEqual({ state: "in", user: "dee" });
  });

  test("a server that does not answer leaves it open, until it does", async () => {
    server.isDown = true;
    const tab = browser.signedIn("ada").tab();
    await clock.pass(60);
    expect(tab.port.session.value).toEqual({ state: "unknown" });
    server.isDown = false;
    await clock.pass(30);
    expect(tab.port.session.value).toEqual({ state: "in", user: "ada" });
  });

  test("signing out in one tab is seen in the other", async () => {
    const [one, other] = [browser.signedIn("ada").tab(), browser.tab()];
    await clock.pass(3);
    void one.port.acts.signOut();
    await clock.pass(1);
    expect(one.port.session.value).toEqual({ state: "out", why: "signed-out" });
    expect(other.port.session.value).toEqual({ state: "out", why: "signed-out" });
    expect(other.port.timeline.value).toBeNull();
  });

  test("an account that is disabled is told so", async () => {
    const tab = browser.signedIn("ada").tab();
    await clock.pass(3);
    server.end(browser.jar.session ?? "", "disabled");
    await clock.pass(1);
    expect(tab.port.session.value).toEqual({ state: "out", why: "disabled" });
  });

  test("who signs in anew in another tab stays in this one", async () => {
    const [one, other] = [browser.signedIn("ada").tab(), browser.tab()];
    await clock.pass(3);
    void other.port.acts.signIn("ada", "password");
    await clock.pass(3);
    for (const tab of [one, other]) expect(tab.port.session.value).toEqual({ state: "in", user: "ada" });
    expect(one.port.connection.value).toMatchObject({ state: "live" });
  });

  test("a tab follows to whoever has signed in in another", async () => {
    const [one, other] = [browser.signedIn("ada").tab(), browser.tab()];
    await clock.pass(3);
    void other.port.acts.signIn("bob", "password");
    await clock.pass(3);
    for (const tab of [one, other]) expect(tab.port.session.value).toEqual({ state: "in", user: "bob" });
  });
});

describe("opening a place", () => {
  test("shows its newest messages, follows the room and has nothing unread", async () => {
    says("bob", ...Array.from({ length: 80 }, (_, at) => `${at + 1}`));
    const tab = await inLounge();
    const open = tab.port.timeline.value;
    expect(open).toMatchObject({ name: "Lounge", followed: true, unread: 0, reachesStart: false, reachesEnd: true, loading: "no" });
    expect(open?.readBefore).toBe(Infinity);
    expect([tab.texts[0], tab.texts.at(-1)]).toEqual(["31", "80"]);
    expect(server.followed("ada")).toEqual([{ room: lounge, name: "Lounge", seq: 80, head: 80 }]);
  });

  test("keeps what was unread when the page is loaded anew", async () => {
    server.mark("ada", `room/${lounge}`, 0);
    says("bob", "one", "two", "three");
    server.mark("ada", `room/${lounge}`, 1);
    const tab = await inLounge();
    expect(tab.port.timeline.value).toMatchObject({ readBefore: 1, unread: 2 });
    expect(server.marks.get("ada")?.get(`room/${lounge}`)).toBe(1);
    expect(tab.port.unread.value).toBe(2);
    tab.port.acts.seen(3);
    await clock.pass(1);
    expect(tab.port.timeline.value).toMatchObject({ readBefore: 1, unread: 0 });
    expect(server.marks.get("ada")?.get(`room/${lounge}`)).toBe(3);
  });

  test("keeps what was unread, however late it is known", async () => {
    server.mark("ada", `room/${lounge}`, 0);
    says("bob", "one", "two");
    server.late.set("GET /marks", { thereMs: 2000 });
    const tab = await inLounge();
    expect(tab.port.timeline.value).toMatchObject({ readBefore: 0, unread: 2, loading: "no" });
    expect(server.marks.get("ada")?.get(`room/${lounge}`)).toBe(0);
  });

  test("marks nothing as read while it is not known what was", async () => {
    server.mark("ada", `room/${lounge}`, 0);
    says("bob", "one", "two");
    server.failing.add("GET /marks");
    const tab = await inLounge();
    await clock.pass(30);
    expect(tab.texts).toEqual(["one", "two"]);
    server.failing.clear();
    await clock.pass(60);
    expect(server.marks.get("ada")?.get(`room/${lounge}`)).toBe(0);
    expect(unreadOf(tab.port.rooms.value)).toEqual({ Lounge: 2 });
  });

  test("goes on live, without a hole and without a repeat, however late the page comes", async () => {
    says("bob", "one");
    const tab = browser.signedIn("ada").tab(`#/room/${lounge}`);
    for (let at = 2; at < 60; at++) {
      await clock.pass(0.005);
      says("bob", `${at}`);
    }
    await clock.pass(3);
    expect(tab.texts).toEqual(["one", ...Array.from({ length: 58 }, (_, at) => `${at + 2}`)]);
  });

  test("that does not exist says so", async () => {
    const tab = browser.signedIn("ada").tab("#/room/nowhere");
    await clock.pass(3);
    expect(tab.port.timeline.value).toMatchObject({ loading: "no", trouble: { code: "no-such-room" } });
    expect(server.followed("ada")).toEqual([]);
  });

  test("tells what was removed", async () => {
    says("bob", "one", "two", "three");
    server.removeUpTo(lounge, 2);
    expect((await inLounge()).texts).toEqual(["removed 1-2", "three"]);
  });

  test("reads further back and forth again as one nears the ends", async () => {
    says("bob", ...Array.from({ length: 1200 }, (_, at) => `${at + 1}`));
    const tab = await inLounge();
    for (let round = 0; round < 24; round++) {
      tab.port.acts.loadOlder();
      tab.port.acts.loadOlder();
      await clock.pass(0.1);
    }
    expect(tab.port.timeline.value).toMatchObject({ reachesStart: true, reachesEnd: false });
    expect([tab.texts.length, tab.texts[0]]).toEqual([1000, "1"]);
    says("bob", "news");
    await clock.pass(0.1);
    expect(tab.texts).not.toContain("news");
    for (let round = 0; round < 6; round++) {
      tab.port.acts.loadNewer();
      await clock.pass(0.1);
    }
    expect(tab.port.timeline.value).toMatchObject({ reachesStart: false, reachesEnd: true });
    expect([tab.texts.length, tab.texts.at(-1)]).toEqual([1000, "news"]);
    expect(server.asked.filter((each) => each === `GET /room/${lounge}/messages`)).toHaveLength(1 + 23 + 5);
  });

  test("in another place leaves the first one's answers unheard", async () => {
    const other = server.room("Other");
    says("bob", "one");
    const tab = browser.signedIn("ada").tab();
    await clock.pass(3);
    tab.goes(`#/room/${lounge}`);
    await clock.pass(0.005);
    tab.goes(`#/room/${other}`);
    await clock.pass(3);
    expect(tab.port.timeline.value).toMatchObject({ name: "Other", entries: [] });
  });
});

describe("where pages and what comes live cross", () => {
  const history = (): string => `GET /room/${lounge}/messages`;

  test("what came while the page was on its way is there", async () => {
    server.mark("ada", `room/${lounge}`, 0);
    says("bob", "one");
    const tab = browser.signedIn("ada").tab();
    await clock.pass(3);
    server.late.set(history(), { backMs: 1000 });
    tab.goes(`#/room/${lounge}`);
    await clock.pass(0.5);
    says("bob", "two");
    await clock.pass(3);
    expect(tab.texts).toEqual(["one", "two"]);
  });

  test("what was posted before the room was heard, and after its page was made, is there too", async () => {
    server.mark("ada", `room/${lounge}`, 0);
    says("bob", "one");
    server.late.set(history(), { backMs: 1000 });
    server.late.set("GET /marks", { thereMs: 200 });
    const tab = browser.signedIn("ada").tab(`#/room/${lounge}`);
    await clock.pass(0.1);
    says("bob", "two");
    await clock.pass(0.5);
    says("bob", "three");
    await clock.pass(3);
    expect(tab.texts).toEqual(["one", "two", "three"]);
  });

  test("an older page whose place has been cut is not put elsewhere", async () => {
    says("bob", ...Array.from({ length: 100 }, (_, at) => `${at + 1}`));
    const tab = await inLounge();
    says("bob", ...Array.from({ length: 950 }, (_, at) => `${at + 101}`));
    await clock.pass(3);
    expect([tab.texts.length, tab.texts[0]]).toEqual([1000, "51"]);
    server.late.set(history(), { backMs: 1000 });
    tab.port.acts.loadOlder();
    await clock.pass(0.5);
    says("bob", "news", "more news");
    await clock.pass(3);
    expect([tab.texts.length, tab.texts[0], tab.texts.at(-1)]).toEqual([1000, "53", "more news"]);
    tab.port.acts.loadOlder();
    await clock.pass(3);
    expect([tab.texts.length, tab.texts[0]]).toEqual([1000, "3"]);
  });

  test("a place that could not be read is tried again, also while the connection stands", async () => {
    says("bob", "one");
    server.failing.add(history());
    const tab = browser.signedIn("ada").tab(`#/room/${lounge}`);
    await clock.pass(20);
    expect(tab.port.connection.value.state).toBe("live");
    expect(tab.port.timeline.value).toMatchObject({ trouble: { code: "internal" } });
    server.failing.clear();
    await clock.pass(20);
    expect(tab.texts).toEqual(["one"]);
  });
});

describe("posting", () => {
  test("shows the text at once, and once when it is stored", async () => {
    const tab = await inLounge();
    tab.port.acts.post("hello");
    expect(tab.texts).toEqual(["[hello: sending]"]);
    await clock.pass(1);
    expect(tab.texts).toEqual(["hello"]);
    expect(tab.port.timeline.value).toMatchObject({ unread: 0 });
    await clock.pass(1);
    expect(server.followed("ada")).toMatchObject([{ seq: 1, head: 1 }]);
    expect(browser.kept.size).toBe(1); // only who is here
  });

  test("goes out in order, one by one", async () => {
    const tab = await inLounge();
    server.refusals = [new Refusal(503, "overloaded", { retry_after: 2 })];
    for (const text of ["one", "two", "three"]) tab.port.acts.post(text);
    await clock.pass(1);
    expect(tab.texts).toEqual(["[one: waiting]", "[two: waiting]", "[three: waiting]"]);
    tab.port.acts.post("four");
    await clock.pass(0.5);
    expect(server.roomOf(lounge).log).toEqual([]); // what the server asked to wait, waits
    await clock.pass(3);
    expect(tab.texts).toEqual(["one", "two", "three", "four"]);
  });

  test("is done once however often the answer is lost", async () => {
    const tab = await inLounge();
    server.losesAnswers = true;
    tab.port.acts.post("hello");
    await clock.pass(4);
    server.losesAnswers = false;
    await clock.pass(30);
    expect(tab.texts).toEqual(["hello"]);
    expect(server.roomOf(lounge).log).toHaveLength(1);
  });

  test("waits while nobody answers, over a reload, and is sent when somebody does", async () => {
    const tab = await inLounge();
    server.isDown = true;
    server.cut();
    tab.port.acts.post("one");
    tab.port.acts.post("two");
    await clock.pass(5);
    expect(tab.texts).toEqual(["[one: waiting]", "[two: waiting]"]);
    tab.close();
    server.isDown = false;
    const again = browser.tab(`#/room/${lounge}`);
    await clock.pass(10);
    expect(again.texts).toEqual(["one", "two"]);
  });

  test("what is refused can be tried again or let go, and holds nothing else up", async () => {
    const tab = await inLounge();
    server.refusals = [new Refusal(413, "too-large")];
    tab.port.acts.post("large");
    await clock.pass(1);
    tab.port.acts.post("small");
    await clock.pass(1);
    expect(tab.texts).toEqual(["small", "[large: failed]"]);
    const failed = tab.port.timeline.value?.pending[0];
    expect(failed?.trouble?.code).toBe("too-large");
    tab.port.acts.retry(failed?.key ?? "");
    await clock.pass(1);
    expect(tab.texts).toEqual(["small", "large"]);
    server.refusals = [new Refusal(413, "too-large")];
    tab.port.acts.post("huge");
    await clock.pass(1);
    tab.port.acts.discard(tab.port.timeline.value?.pending[0]?.key ?? "");
    expect(tab.texts).toEqual(["small", "large"]);
    expect([...browser.kept.keys()]).toEqual(["hubbub:user"]);
  });

  test("directly to somebody shows the text once", async () => {
    const tab = browser.signedIn("ada").tab("#/person/bob");
    await clock.pass(3);
    tab.port.acts.post("psst");
    await clock.pass(1);
    server.says("bob", { to: "ada" }, "yes?");
    await clock.pass(1);
    expect(tab.texts).toEqual(["psst", "yes?"]);
    expect(tab.port.conversations.value).toMatchObject([{ name: "bob", unread: 1, preview: "yes?" }]);
  });

  test("nothing goes out while somebody is signing in in another tab", async () => {
    server.mark("ada", `room/${lounge}`, 0);
    says("cy", "first");
    const [one, other] = [await inLounge(), browser.tab()];
    await clock.pass(3);
    one.network(false);
    server.isDown = true;
    server.cut();
    one.port.acts.post("by ada");
    one.port.acts.seen(1);
    await clock.pass(20);
    server.isDown = server.takesSockets = false; // no greeting tells this tab who is there now
    server.late.set("POST /sessions", { backMs: 9000 });
    void other.port.acts.signIn("bob", "password");
    await clock.pass(1);
    one.network(true);
    await clock.pass(7);
    expect(server.marks.get("bob")).toEqual(new Map());
    await clock.pass(30);
    expect(server.roomOf(lounge).log).toHaveLength(1);
    expect(one.port.session.value).toEqual({ state: "in", user: "bob" });
  });

  test("nothing is marked as read under the name of who has signed in since", async () => {
    for (const to of ["ada", "bob"]) server.says("cy", { to }, "psst");
    const [one, other] = [browser.signedIn("ada").tab("#/person/cy"), browser.tab()];
    await clock.pass(3);
    one.network(false);
    one.port.acts.seen(1);
    await clock.pass(3);
    void other.port.acts.signIn("bob", "password");
    await clock.pass(1);
    one.network(true);
    await clock.pass(30);
    expect(server.marks.get("bob")?.get("user/cy")).toBe(0);
  });

  test("nothing goes out under the name of who has signed in since", async () => {
    const [one, other] = [await inLounge(), browser.tab()];
    await clock.pass(3);
    one.network(false);
    one.port.acts.post("by ada");
    await clock.pass(3);
    void other.port.acts.signIn("bob", "password");
    await clock.pass(1);
    one.network(true);
    await clock.pass(30);
    expect(server.roomOf(lounge).log).toEqual([]);
    void other.port.acts.signIn("ada", "password");
    await clock.pass(10);
    expect(server.roomOf(lounge).log).toMatchObject([{ sender: "ada", text: "by ada" }]);
  });
});

describe("drafts", () => {
  test("are kept for each place and over a reload, and marked in the list", async () => {
    const tab = await inLounge();
    tab.port.acts.draft("half a th");
    tab.goes("#/person/bob");
    await clock.pass(1);
    expect(tab.port.draft.value).toBe("");
    expect(tab.port.rooms.value).toMatchObject([{ name: "Lounge", draft: true }]);
    tab.close();
    const again = browser.tab(`#/room/${lounge}`);
    await clock.pass(3);
    expect(again.port.draft.value).toBe("half a th");
    again.port.acts.post("half a thought");
    expect(again.port.draft.value).toBe("");
    expect(again.port.rooms.value).toMatchObject([{ draft: false }]);
  });

  test("are nobody else's", async () => {
    const tab = await inLounge();
    tab.port.acts.draft("of ada");
    void tab.port.acts.signOut();
    await clock.pass(1);
    expect(tab.port.draft.value).toBe("");
    void tab.port.acts.signIn("bob", "password");
    await clock.pass(3);
    expect(tab.port.draft.value).toBe("");
    void tab.port.acts.signOut();
    await clock.pass(1);
    void tab.port.acts.signIn("ada", "password");
    await clock.pass(3);
    expect(tab.port.draft.value).toBe("of ada");
  });
});

describe("a connection that breaks", () => {
  test("is said so, comes back, and has missed nothing", async () => {
    const tab = await inLounge();
    server.isDown = true;
    server.cut();
    await clock.pass(3);
    expect(["waiting", "connecting"]).toContain(tab.port.connection.value.state);
    says("bob", "one", "two");
    server.says("bob", { to: "ada" }, "psst");
    server.isDown = false;
    await clock.pass(40);
    expect(tab.port.connection.value.state).toBe("live");
    expect(tab.texts).toEqual(["one", "two"]);
    expect(unreadOf(tab.port.conversations.value)).toEqual({ bob: 1 });
  });

  test("comes back at once when the network does", async () => {
    const tab = await inLounge();
    server.isDown = true;
    server.cut();
    tab.network(false);
    expect(tab.port.connection.value).toEqual({ state: "offline" });
    await clock.pass(600);
    server.isDown = false;
    tab.network(true);
    await clock.pass(0.1);
    expect(tab.port.connection.value.state).toBe("live");
  });

  test("is noticed when it breaks without a word", async () => {
    const tab = await inLounge();
    server.isSilent = true;
    says("bob", "lost?");
    await clock.pass(70);
    expect(tab.port.connection.value.state).not.toBe("live");
    server.isSilent = false;
    await clock.pass(40);
    expect(tab.texts).toEqual(["lost?"]);
  });

  test("after a long absence begins anew at the newest page, with the old line between read and new", async () => {
    says("bob", "before");
    const tab = await inLounge();
    server.isDown = true;
    server.cut();
    await clock.pass(1);
    says("bob", ...Array.from({ length: 501 }, (_, at) => `${at + 1}`));
    server.isDown = false;
    await clock.pass(60);
    expect([tab.texts.length, tab.texts.at(-1)]).toEqual([50, "501"]);
    expect(tab.port.timeline.value).toMatchObject({ readBefore: 1, unread: 501, reachesStart: false, reachesEnd: true });
  });

  test("after a shorter one goes on where it was", async () => {
    says("bob", "before");
    const tab = await inLounge();
    server.isDown = true;
    server.cut();
    await clock.pass(1);
    says("bob", ...Array.from({ length: 500 }, (_, at) => `${at + 1}`));
    server.isDown = false;
    await clock.pass(60);
    expect([tab.texts.length, tab.texts[0]]).toEqual([501, "before"]);
  });

  test("to a server put back from a backup reads everything anew", async () => {
    says("bob", "one", "two", "three");
    const tab = await inLounge();
    server.restore(lounge, 1);
    server.marks.get("ada")?.set(`room/${lounge}`, 1);
    says("bob", "another two");
    await clock.pass(40);
    expect(tab.texts).toEqual(["one", "another two"]);
    expect(unreadOf(tab.port.rooms.value)).toEqual({ Lounge: 1 });
  });

  test("goes over an event stream where WebSockets do not come through, and back when they do", async () => {
    server.takesSockets = false;
    const tab = browser.signedIn("ada").tab(`#/room/${lounge}`);
    await clock.pass(10);
    expect(tab.port.connection.value).toEqual({ state: "live", transport: "event-stream" });
    says("bob", "one");
    await clock.pass(1);
    expect(tab.texts).toEqual(["one"]);
    server.takesSockets = true;
    await clock.pass(310);
    expect(tab.port.connection.value).toEqual({ state: "live", transport: "websocket" });
    says("bob", "two");
    await clock.pass(1);
    expect(tab.texts).toEqual(["one", "two"]);
  });
});

describe("what is unread", () => {
  test("is counted for rooms that are followed, and told by other devices", async () => {
    server.mark("ada", `room/${lounge}`, 0);
    const tab = browser.signedIn("ada").tab();
    await clock.pass(3);
    says("bob", "one", "two");
    await clock.pass(1);
    expect(unreadOf(tab.port.rooms.value)).toEqual({ Lounge: 2 });
    server.mark("ada", `room/${lounge}`, 2);
    await clock.pass(1);
    expect(tab.port.unread.value).toBe(0);
  });

  test("never holds one's own words", async () => {
    server.mark("ada", `room/${lounge}`, 0);
    const tab = browser.signedIn("ada").tab();
    await clock.pass(3);
    says("ada", "from my phone");
    server.says("ada", { to: "bob" }, "also from my phone");
    await clock.pass(3);
    expect(tab.port.unread.value).toBe(0);
    expect(server.followed("ada")).toMatchObject([{ seq: 1 }]);
  });

  test("of a conversation shrinks as it is read, also what came before the page did", async () => {
    for (let at = 1; at <= 5; at++) server.says("bob", { to: "ada" }, `${at}`);
    const tab = browser.signedIn("ada").tab("#/person/bob");
    await clock.pass(3);
    expect(tab.port.timeline.value).toMatchObject({ unread: 5, readBefore: 0 });
    tab.port.acts.seen(3);
    expect(tab.port.timeline.value).toMatchObject({ unread: 2 });
    await clock.pass(3);
    expect(server.conversations("ada")).toMatchObject([{ seq: 3, unread: 2 }]);
  });

  test("of a conversation that another device has read in part is asked for", async () => {
    for (let at = 1; at <= 5; at++) server.says("bob", { to: "ada" }, `${at}`);
    const tab = browser.signedIn("ada").tab();
    await clock.pass(3);
    server.mark("ada", "user/bob", 3);
    await clock.pass(1);
    expect(unreadOf(tab.port.conversations.value)).toEqual({ bob: 2 });
  });

  test("of a conversation that was read in part before the server had heard so is asked for again", async () => {
    for (let at = 1; at <= 5; at++) server.says("bob", { to: "ada" }, `${at}`);
    const tab = browser.signedIn("ada").tab("#/person/bob");
    await clock.pass(3);
    server.failing.add("PUT /user/bob/mark");
    tab.port.acts.seen(3);
    tab.goes("#/");
    tab.looks(true);
    await clock.pass(3);
    server.failing.clear();
    await clock.pass(30);
    expect(unreadOf(tab.port.conversations.value)).toEqual({ bob: 2 });
  });

  test("of a conversation that missed too much is counted by the server alone", async () => {
    const tab = browser.signedIn("ada").tab();
    await clock.pass(3);
    for (const text of ["1", "2"]) server.says("bob", { to: "ada" }, text);
    await clock.pass(1);
    server.isDown = true;
    server.cut();
    await clock.pass(1);
    for (let at = 3; at <= 503; at++) server.says("bob", { to: "ada" }, `${at}`);
    server.isDown = false;
    await clock.pass(60);
    expect(unreadOf(tab.port.conversations.value)).toEqual({ bob: 503 });
    server.mark("ada", "user/bob", 2);
    await clock.pass(3);
    expect(unreadOf(tab.port.conversations.value)).toEqual({ bob: 501 });
  });

  test("holds what was said between the first question and the first listening", async () => {
    server.late.set("GET /conversations", { backMs: 1000 });
    const tab = browser.signedIn("ada").tab();
    await clock.pass(0.04);
    server.says("bob", { to: "ada" }, "psst");
    await clock.pass(5);
    expect(unreadOf(tab.port.conversations.value)).toEqual({ bob: 1 });
  });

  test("is not brought back by an answer that was made before it was read", async () => {
    server.mark("ada", `room/${lounge}`, 0);
    says("bob", "one", "two", "three");
    const tab = browser.signedIn("ada").tab();
    await clock.pass(3);
    server.late.set("GET /marks", { backMs: 1000 });
    tab.looks(true);
    await clock.pass(0.5);
    server.mark("ada", `room/${lounge}`, 2); // on another device
    await clock.pass(2);
    expect(unreadOf(tab.port.rooms.value)).toEqual({ Lounge: 1 });
  });

  test("is not brought back while the server could not be told that it was read", async () => {
    server.mark("ada", `room/${lounge}`, 0);
    says("bob", "one");
    const tab = await inLounge();
    server.failing.add(`PUT /room/${lounge}/mark`);
    tab.port.acts.seen(1);
    await clock.pass(3);
    tab.looks(true);
    await clock.pass(3);
    expect(tab.port.unread.value).toBe(0);
  });

  test("is told to the server once a second at most", async () => {
    server.mark("ada", `room/${lounge}`, 0);
    says("bob", ...Array.from({ length: 40 }, (_, at) => `${at + 1}`));
    const tab = await inLounge();
    server.asked.length = 0;
    for (let seq = 1; seq <= 40; seq++) {
      tab.port.acts.seen(seq);
      await clock.pass(0.05);
    }
    await clock.pass(3);
    expect(server.asked.filter((each) => each.startsWith("PUT"))).toHaveLength(3);
    expect(server.followed("ada")).toMatchObject([{ seq: 40 }]);
  });

  test("that was read without a connection is told when it is back", async () => {
    server.mark("ada", `room/${lounge}`, 0);
    says("bob", "one");
    const tab = await inLounge();
    server.isDown = true;
    server.cut();
    tab.port.acts.seen(1);
    await clock.pass(30);
    server.isDown = false;
    await clock.pass(60);
    expect(server.followed("ada")).toMatchObject([{ seq: 1 }]);
  });
});

describe("following", () => {
  test("ends where it is ended, also for what is seen afterwards", async () => {
    server.mark("ada", `room/${lounge}`, 0);
    says("bob", "one", "two");
    const tab = await inLounge();
    for (const seq of [1, 2]) tab.port.acts.seen(seq);
    void tab.port.acts.unfollow({ kind: "room", id: lounge });
    await clock.pass(1);
    expect(tab.port.timeline.value).toMatchObject({ followed: false });
    says("bob", "still here?");
    await clock.pass(1);
    expect(tab.texts).toEqual(["one", "two", "still here?"]);
    tab.port.acts.seen(3);
    tab.port.acts.post("yes");
    await clock.pass(3);
    expect(server.followed("ada")).toEqual([]);
    tab.goes("#/");
    await clock.pass(1);
    expect(tab.port.rooms.value).toEqual([]);
  });

  test("begun on another device is seen here, and heard", async () => {
    const tab = browser.signedIn("ada").tab();
    await clock.pass(3);
    server.mark("ada", `room/${lounge}`, 0);
    await clock.pass(1);
    says("bob", "one");
    await clock.pass(1);
    expect(unreadOf(tab.port.rooms.value)).toEqual({ Lounge: 1 });
  });
});

describe("notices", () => {
  test("tell of direct messages and of one's name, while nobody looks, and lead there", async () => {
    server.mark("ada", `room/${lounge}`, 0);
    const tab = browser.signedIn("ada").tab();
    await clock.pass(3);
    await tab.port.acts.setNotifications(true);
    server.says("bob", { to: "ada" }, "seen");
    await clock.pass(1);
    tab.looks(false);
    says("bob", "to nobody", "to @ada!", "to @adam");
    server.says("bob", { to: "ada" }, "<b>psst</b>");
    server.says("ada", { to: "bob" }, "mine");
    await clock.pass(1);
    expect(browser.notices.map(({ title, body }) => [title, body])).toEqual([
      ["bob · Lounge", "to @ada!"],
      ["bob", "<b>psst</b>"],
    ]);
    browser.notices[1]?.click();
    await clock.pass(1);
    expect(tab.port.route.value).toEqual({ at: "place", place: { kind: "person", name: "bob" } });
  });

  test("are off until they are asked for", async () => {
    browser.permission = "default";
    const tab = browser.signedIn("ada").tab();
    await clock.pass(3);
    tab.looks(false);
    server.says("bob", { to: "ada" }, "psst");
    await clock.pass(1);
    expect(browser.notices).toEqual([]);
    await tab.port.acts.setNotifications(true);
    expect(tab.port.preferences.value.notifications).toBe("on");
    browser.permission = "denied";
    expect(browser.tab().port.preferences.value.notifications).toBe("denied");
  });
});

describe("preferences", () => {
  test("hold in all tabs and over a reload", async () => {
    browser.languages = ["de-AT", "en"];
    const [one, other] = [browser.tab(), browser.tab()];
    expect(one.port.preferences.value).toMatchObject({ theme: "system", language: "de" });
    one.port.acts.setTheme("dark");
    one.port.acts.setLanguage("en");
    await clock.pass(1);
    expect(other.port.preferences.value).toMatchObject({ theme: "dark", language: "en" });
    browser.kept.set("hubbub:preferences", "broken");
    expect(browser.tab().port.preferences.value).toMatchObject({ theme: "system", language: "de" });
  });
});
