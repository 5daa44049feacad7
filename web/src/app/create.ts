/** Everything behind the page's look, put together: who is here, where they are, and what they can do. */
import { batch, computed, signal } from "@preact/signals";

import { Client } from "../../client";
import { conversationRows, roomRows, totalUnread } from "../state/rows";
import { findPeople, findRooms, roomOf } from "./directory";
import { browserEnvironment, type Environment } from "./environment";
import { Lounge } from "./lounge";
import { memoryOf, ourName } from "./memory";
import { outcome } from "./outcome";
import type { Acts, Connection, Place, Port, Route, Session } from "./port";
import { Choices } from "./preferences";
import { hashOf, routeOf } from "./routes";

const RECOGNISE_MS = 2000;
/** In the browser's memory: whose the cookie is. "" while somebody is signing in, or nobody is signed in. */
const USER = "user";

export function createPort(env: Environment = browserEnvironment()): Port {
  const client = new Client(env.server, {
    patienceSeconds: 10,
    fetch: env.fetch,
    chance: env.chance,
    nowMs: env.nowMs,
    sleep: (seconds) => new Promise((done) => env.setTimeout(() => done(), seconds * 1000)),
  });
  const memory = memoryOf(env.storage);
  const choices = new Choices(env, memory);
  const session = signal<Session>({ state: "unknown" });
  const isOnline = signal(env.isOnline());
  const route = signal<Route>(routeOf(env.hash.get()));
  const lounge = signal<Lounge | null>(null);

  // -- who is here ----------------------------------------------------------

  function enter(user: string): void {
    memory.set(USER, user);
    if (lounge.value?.user === user) return;
    lounge.value?.stop();
    const here: Lounge = new Lounge(user, {
      env,
      client,
      memory,
      isOurs: () => (memory.get(USER) ?? user) === user,
      ended: (reason) => void lost(here, reason),
      wantsNotices: () => choices.value.value.notifications === "on",
      go,
    });
    batch(() => {
      lounge.value = here;
      session.value = { state: "in", user };
      here.start();
      here.arrive(route.value);
    });
  }

  /** A session is over. In another tab somebody may have begun another, for which the cookie speaks now. */
  async function lost(here: Lounge, reason: string): Promise<void> {
    if (here.isOver) return;
    here.stop();
    const found = await outcome(() => client.sessionNow());
    if (lounge.value !== here) return;
    ended(reason);
    if (found.ok) enter(found.value.user);
  }

  function ended(reason: string): void {
    lounge.value?.stop();
    batch(() => {
      lounge.value = null;
      session.value = { state: "out", why: reason === "expired" || reason === "disabled" ? reason : "signed-out" };
    });
  }

  async function recognise(): Promise<void> {
    const found = await outcome(() => client.session());
    if (found.ok) enter(found.value.user);
    else if (session.value.state !== "unknown") return;
    else if (found.trouble.code === "not-signed-in") session.value = { state: "out", why: "never" };
    else env.setTimeout(() => void recognise(), RECOGNISE_MS); // nobody answers: it stays unknown
  }

  async function signIn(name: string, password: string): Promise<void> {
    const before = memory.get(USER);
    memory.set(USER, ""); // the cookie is about to be another's: no tab may send under the old name any more
    try {
      const { user } = await client.signIn(name, password, { cookie: true });
      enter(user);
    } catch (problem) {
      if (before !== null) memory.set(USER, before);
      throw problem;
    }
  }

  // -- where ----------------------------------------------------------------

  function go(to: Route): void {
    const hash = hashOf(to);
    if (env.hash.get() !== hash) env.hash.set(hash);
  }

  function openPlace(): Place | undefined {
    return route.value.at === "place" ? route.value.place : undefined;
  }

  env.on({
    hashChanged: () =>
      batch(() => {
        route.value = routeOf(env.hash.get());
        lounge.value?.arrive(route.value);
      }),
    networkChanged: () => {
      isOnline.value = env.isOnline();
      lounge.value?.sync.doubt();
      if (isOnline.value) lounge.value?.wake();
    },
    visibilityChanged: () => {
      if (!env.isVisible()) return;
      lounge.value?.sync.doubt();
      if (session.value.state === "out") void recognise(); // signed in meanwhile, in another tab
    },
    storageChanged: (key, text) => {
      const name = ourName(key);
      if (name === undefined) return;
      choices.written(name);
      if (name === USER) return otherUser(text);
      lounge.value?.drafts.written(name, text);
      if (text === null) lounge.value?.sending.forgotten(name);
    },
  });

  /** In another tab somebody has signed in, or is about to: what is here is theirs, or over. */
  function otherUser(user: string | null): void {
    if (!user) return;
    if (user === lounge.value?.user) return lounge.value.wake();
    if (lounge.value) ended("signed-out");
    if (env.isVisible()) void recognise();
  }

  // -- what is shown --------------------------------------------------------

  const places = computed(() => lounge.value?.sync.places.value);
  const drafted = computed(() => lounge.value?.drafts.places.value ?? new Set<never>());
  const rooms = computed(() => (places.value ? roomRows(places.value, drafted.value, openPlace()) : []));
  const conversations = computed(() => (places.value ? conversationRows(places.value, drafted.value, openPlace()) : []));
  const unread = computed(() => totalUnread(rooms.value, conversations.value));
  const timeline = computed(() => lounge.value?.timeline.value ?? null);
  const draft = computed(() => lounge.value?.drafts.open.value ?? "");
  const connection = computed<Connection>(() => {
    if (!isOnline.value) return { state: "offline" };
    const line = lounge.value?.sync.line.value;
    return line && line.state !== "stopped" ? line : { state: "connecting" };
  });

  // -- what can be done -----------------------------------------------------

  const acts: Acts = {
    signUp: (name, password) =>
      outcome(async () => {
        await client.signUp(name, password);
        await signIn(name, password);
      }),
    signIn: (name, password) => outcome(() => signIn(name, password)),
    signOut: () =>
      outcome(async () => {
        await client.signOut();
        ended("signed-out");
      }),
    devices: () =>
      outcome(async () =>
        (await client.sessions()).map(({ id, agent, created_at, current }) => ({
          id,
          agent,
          createdAtMs: Date.parse(created_at),
          current,
        })),
      ),
    endDevice: (id) => outcome(() => client.endSession(id)),
    go,
    createRoom: (name) => outcome(async () => roomOf(await client.createRoom(name), places.value)),
    findRooms: (words) => outcome(() => findRooms(client, words, () => places.value)),
    findPeople: (words) => outcome(() => findPeople(client, words)),
    unfollow: (place) =>
      outcome(async () => {
        if (place.kind === "room") await lounge.value?.sync.unfollow(place.id);
      }),
    loadOlder: () => lounge.value?.sync.open.loadOlder(),
    loadNewer: () => lounge.value?.sync.open.loadNewer(),
    jumpToNewest: () => lounge.value?.sync.open.jumpToNewest(),
    seen: (seq) => lounge.value?.sync.seen(seq),
    draft: (text) => lounge.value?.drafts.write(text),
    post: (text) => {
      const place = openPlace();
      if (place) lounge.value?.post(place, text);
    },
    retry: (key) => lounge.value?.sending.retry(key),
    discard: (key) => lounge.value?.sending.discard(key),
    reconnect: () => {
      lounge.value?.sync.reconnect();
      lounge.value?.wake();
    },
    setTheme: (theme) => choices.choose({ theme }),
    setLanguage: (language) => choices.choose({ language }),
    setNotifications: (on) => choices.notify(on),
  };

  void recognise();
  return { session, connection, route, rooms, conversations, timeline, draft, unread, preferences: choices.value, acts };
}
