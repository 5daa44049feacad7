/** Everything behind the page's look, put together. The one place that names the browser's own objects. */
import { batch, computed, effect, signal } from "@preact/signals";

import { Client, type LogEvent } from "../../client";
import { type PlaceKey, keyOf, placeOf, unreadIn } from "../state/places";
import { conversationRows, roomRows, totalUnread } from "../state/rows";
import { lastSeq } from "../state/window";
import { memoryOf, ourName } from "./memory";
import { noticeOf } from "./notices";
import { outcome } from "./outcome";
import type { Acts, Connection, Language, Pending, Place, Port, Preferences, Room, Route, Session, Theme, Timeline } from "./port";
import { hashOf, routeOf } from "./routes";
import { Sending } from "./sending";
import { Sync } from "./sync";

/** Rooms and people that a search shows. */
const FOUND = 200;
const DRAFT = ":draft:";

const LANGUAGES: readonly Language[] = ["en", "de"];
const THEMES: readonly Theme[] = ["system", "light", "dark"];

interface Lounge {
  readonly user: string;
  readonly sync: Sync;
  readonly sending: Sending;
}

export function createPort(browser: Window & typeof globalThis = window): Port {
  const client = new Client("", { patienceSeconds: 10 });
  const memory = memoryOf(() => browser.localStorage);
  const session = signal<Session>({ state: "unknown" });
  const online = signal(browser.navigator.onLine);
  const route = signal<Route>(routeOf(browser.location.hash));
  const lounge = signal<Lounge | null>(null);
  const draftPlaces = signal<ReadonlySet<PlaceKey>>(new Set());
  const draft = signal("");
  const later = (act: () => void, ms: number): unknown => browser.setTimeout(act, ms);
  const isVisible = (): boolean => browser.document.visibilityState === "visible";

  // -- who is here ----------------------------------------------------------

  function enter(user: string): void {
    leave();
    const sync = new Sync({
      client,
      user,
      listener: {},
      setTimeout: later,
      isVisible,
      happened: (event) => happened(event),
      ended: (reason) => ended(reason),
      live: () => sending.pump(),
    });
    const sending = new Sending({
      client,
      memory,
      user,
      nowMs: Date.now,
      setTimeout: later,
      chance: Math.random,
      stored: (place, seq) => {
        sync.read(place, seq);
        settle();
      },
    });
    batch(() => {
      lounge.value = { user, sync, sending };
      session.value = { state: "in", user };
      draftPlaces.value = new Set(memory.names(user + DRAFT).filter((key) => placeOf(key)) as PlaceKey[]);
    });
    void sync.start();
    sending.pump();
    arrive();
  }

  function leave(): void {
    lounge.value?.sync.stop();
    lounge.value?.sending.stop();
    batch(() => {
      lounge.value = null;
      draft.value = "";
      draftPlaces.value = new Set();
    });
  }

  function ended(reason: string): void {
    leave();
    const why = reason === "expired" || reason === "disabled" ? reason : "signed-out";
    session.value = { state: "out", why };
  }

  async function recognise(): Promise<void> {
    const found = await outcome(() => client.session());
    if (found.ok) enter(found.value.user);
    else if (session.value.state !== "unknown") return;
    else if (found.trouble.code === "not-signed-in") session.value = { state: "out", why: "never" };
    else later(() => void recognise(), 2000); // nobody answers: it stays unknown
  }

  // -- where --------------------------------------------------------------

  function arrive(): void {
    const here = lounge.value;
    if (!here) return;
    const to = route.value;
    if (to.at === "place") {
      const open = here.sync.open.value;
      if (!open || keyOf(open.place) !== keyOf(to.place)) here.sync.openPlace(to.place);
      draft.value = memory.get(here.user + DRAFT + keyOf(to.place)) ?? "";
    } else {
      here.sync.close();
      draft.value = "";
    }
    settle();
  }

  function go(to: Route): void {
    const hash = hashOf(to);
    if (browser.location.hash === hash) return;
    browser.location.hash = hash;
  }

  browser.addEventListener("hashchange", () => {
    route.value = routeOf(browser.location.hash);
    arrive();
  });

  function openPlace(): Place | undefined {
    return route.value.at === "place" ? route.value.place : undefined;
  }

  // -- what is shown --------------------------------------------------------

  const rooms = computed(() => (lounge.value ? roomRows(lounge.value.sync.places.value, draftPlaces.value, openPlace()) : []));
  const conversations = computed(() =>
    lounge.value ? conversationRows(lounge.value.sync.places.value, draftPlaces.value, openPlace()) : [],
  );
  const unread = computed(() => totalUnread(rooms.value, conversations.value));

  const connection = computed<Connection>(() => {
    if (!online.value) return { state: "offline" };
    const line = lounge.value?.sync.line.value ?? { state: "connecting" };
    return line.state === "stopped" ? { state: "connecting" } : line;
  });

  const timeline = computed<Timeline | null>(() => {
    const here = lounge.value;
    const open = here?.sync.open.value;
    if (!here || !open) return null;
    const { place, window, loading, trouble, readBefore } = open;
    const known = here.sync.places.value;
    const room = place.kind === "room" ? known.rooms.get(place.id) : undefined;
    const key = keyOf(place);
    return {
      place,
      name: place.kind === "room" ? (room?.name ?? "") : place.name,
      followed: room?.mark !== undefined,
      entries: window.entries,
      pending: here.sending.outbox.value.filter((each) => each.place === key) satisfies readonly Pending[],
      reachesStart: window.reachesStart,
      reachesEnd: window.reachesEnd,
      loading,
      ...(trouble ? { trouble } : {}),
      readBefore,
      unread: unreadIn(known, place),
    };
  });

  /** What is stored and shown by now, or stored somewhere nobody looks, is not pending. */
  function settle(): void {
    const here = lounge.value;
    const open = here?.sync.open.value;
    here?.sending.settle(open ? keyOf(open.place) : undefined, open ? (lastSeq(open.window) ?? 0) : 0);
  }

  effect(() => {
    if (lounge.value?.sync.open.value) later(settle, 0);
  });

  // -- what happens ---------------------------------------------------------

  function happened(event: LogEvent): void {
    const here = lounge.value;
    if (!here || event.type === "gap") return;
    if (event.sender === here.user) here.sending.seen(event.key);
    const roomId = event.type === "message" ? event.room : undefined;
    const roomName = roomId === undefined ? "" : (here.sync.places.value.rooms.get(roomId)?.name ?? "");
    const notice = isVisible() || preferences.value.notifications !== "on" ? null : noticeOf(event, here.user, roomName);
    if (!notice) return;
    const shown = new browser.Notification(notice.title, { body: notice.body, tag: event.id });
    shown.onclick = () => {
      browser.focus();
      go({ at: "place", place: notice.place });
      shown.close();
    };
  }

  browser.addEventListener("online", () => {
    online.value = true;
    lounge.value?.sync.reconnect();
    lounge.value?.sync.doubt();
    lounge.value?.sending.pump();
  });
  browser.addEventListener("offline", () => {
    online.value = false;
    lounge.value?.sync.doubt();
  });
  browser.document.addEventListener("visibilitychange", () => {
    if (!isVisible()) return;
    lounge.value?.sync.doubt();
    if (session.value.state === "out") void recognise(); // signed in meanwhile, in another tab
  });
  browser.addEventListener("storage", (event) => {
    const here = lounge.value;
    const name = ourName(event.key);
    if (name === undefined) return;
    if (name === "preferences") preferences.value = readPreferences();
    if (!here) return;
    const unsent = `${here.user}:unsent:`;
    if (name.startsWith(unsent) && event.newValue === null) here.sending.letGo(name.slice(unsent.length));
    const place = name.startsWith(here.user + DRAFT) ? placeOf(name.slice((here.user + DRAFT).length)) : null;
    if (place) noteDraft(keyOf(place), event.newValue ?? "");
  });

  // -- drafts ---------------------------------------------------------------

  function noteDraft(key: PlaceKey, text: string): void {
    if (draftPlaces.value.has(key) === (text !== "")) return;
    const places = new Set(draftPlaces.value);
    if (text === "") places.delete(key);
    else places.add(key);
    draftPlaces.value = places;
  }

  function keepDraft(text: string): void {
    const here = lounge.value;
    const place = openPlace();
    if (!here || !place) return;
    draft.value = text;
    const name = here.user + DRAFT + keyOf(place);
    if (text === "") memory.delete(name);
    else memory.set(name, text);
    noteDraft(keyOf(place), text);
  }

  // -- preferences ----------------------------------------------------------

  function readPreferences(): Preferences {
    let kept: Partial<Record<keyof Preferences, unknown>> = {};
    try {
      kept = (JSON.parse(memory.get("preferences") ?? "{}") as typeof kept | null) ?? {};
    } catch {
      // Written by something else: begin anew.
    }
    const own = browser.navigator.language.slice(0, 2);
    return {
      theme: THEMES.find((each) => each === kept.theme) ?? "system",
      language: LANGUAGES.find((each) => each === kept.language) ?? LANGUAGES.find((each) => each === own) ?? "en",
      notifications: permitted(kept.notifications === "on"),
    };
  }

  function permitted(wanted: boolean): Preferences["notifications"] {
    if (!("Notification" in browser)) return "unsupported";
    if (browser.Notification.permission === "denied") return "denied";
    return wanted && browser.Notification.permission === "granted" ? "on" : "off";
  }

  const preferences = signal<Preferences>(readPreferences());

  function prefer(change: Partial<Preferences>): void {
    preferences.value = { ...preferences.value, ...change };
    memory.set("preferences", JSON.stringify(preferences.value));
  }

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
    createRoom: (name) => outcome(async () => roomOf(await client.createRoom(name))),
    findRooms,
    findPeople: (words) =>
      outcome(async () => {
        const prefix = words.trim().toLowerCase();
        if (prefix !== "" && !/^[a-z0-9._-]{1,32}$/.test(prefix)) return [];
        return (await client.people({ prefix, limit: FOUND })).items.map((each) => each.name);
      }),
    unfollow: (place) =>
      outcome(async () => {
        if (place.kind === "room") await lounge.value?.sync.unfollow(place.id);
      }),
    loadOlder: () => lounge.value?.sync.loadOlder(),
    loadNewer: () => lounge.value?.sync.loadNewer(),
    jumpToNewest: () => lounge.value?.sync.jumpToNewest(),
    seen: (seq) => lounge.value?.sync.seen(seq),
    draft: keepDraft,
    post: (text) => {
      const place = openPlace();
      if (!place || !lounge.value) return;
      lounge.value.sending.write(keyOf(place), text);
      keepDraft("");
      lounge.value.sync.jumpToNewest();
    },
    retry: (key) => lounge.value?.sending.retry(key),
    discard: (key) => lounge.value?.sending.discard(key),
    reconnect: () => {
      lounge.value?.sync.reconnect();
      lounge.value?.sending.pump();
    },
    setTheme: (theme) => prefer({ theme }),
    setLanguage: (language) => prefer({ language }),
    setNotifications: async (on) => {
      if (on && "Notification" in browser && browser.Notification.permission === "default") {
        await browser.Notification.requestPermission();
      }
      prefer({ notifications: permitted(on) });
    },
  };

  async function signIn(name: string, password: string): Promise<void> {
    const { user } = await client.signIn(name, password, { cookie: true });
    enter(user);
  }

  function roomOf(room: { readonly id: string; readonly name: string; readonly created_by: string; readonly created_at: string; readonly head: number }): Room {
    return {
      id: room.id,
      name: room.name,
      createdBy: room.created_by,
      createdAtMs: Date.parse(room.created_at),
      head: room.head,
      followed: lounge.value?.sync.places.value.rooms.get(room.id)?.mark !== undefined,
    };
  }

  /** The server finds names by their beginning; among those followed any part is found. */
  async function findRooms(words: string): Promise<{ readonly ok: true; readonly value: readonly Room[] } | Extract<Awaited<ReturnType<Acts["findRooms"]>>, { ok: false }>> {
    const wanted = words.trim();
    const found = await outcome(async () => {
      const rooms: Room[] = [];
      let after = "";
      // All of a server with some thousand rooms; beyond that, the beginning of a name finds the rest.
      for (let page = 0; page < 4; page++) {
        const { items, more } = await client.rooms({ prefix: wanted, after, limit: 500 });
        rooms.push(...items.map(roomOf));
        after = items.at(-1)?.id ?? "";
        if (!more || after === "") break;
      }
      return rooms;
    });
    if (!found.ok) return found;
    const folded = wanted.toLocaleLowerCase();
    const names = new Set(found.value.map((room) => room.id));
    const inside = [...(lounge.value?.sync.places.value.rooms.values() ?? [])]
      .filter((room) => room.mark !== undefined && !names.has(room.id) && room.name.toLocaleLowerCase().includes(folded))
      .map((room): Room => ({ id: room.id, name: room.name, createdBy: "", createdAtMs: 0, head: room.head, followed: true }));
    return { ok: true, value: [...found.value, ...inside] };
  }

  void recognise();
  return { session, connection, route, rooms, conversations, timeline, draft, unread, preferences, acts };
}
