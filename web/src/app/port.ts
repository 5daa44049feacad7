/**
 * What the page's look sees of what is behind it: values to show, as signals, and things to do.
 *
 * Everything shown is derived from these signals, and everything done goes through `Acts`. Nothing here knows
 * the DOM or the wire.
 */
import type { ReadonlySignal } from "@preact/signals";

/** Where people talk. Its key is `room/ID` or `person/NAME`: in addresses, storage and `data-place`. */
export type Place =
  | { readonly kind: "room"; readonly id: string }
  | { readonly kind: "person"; readonly name: string };

export type Route =
  | { readonly at: "start" }
  | { readonly at: "settings" }
  | { readonly at: "place"; readonly place: Place };

export type Session =
  /** Not known yet: the page has just been opened. */
  | { readonly state: "unknown" }
  | { readonly state: "out"; readonly why: "never" | "signed-out" | "expired" | "disabled" }
  | { readonly state: "in"; readonly user: string };

export type Connection =
  | { readonly state: "connecting" }
  | { readonly state: "live"; readonly transport: "websocket" | "event-stream" }
  /** Tried again at `atMs` on the wall clock. */
  | { readonly state: "waiting"; readonly atMs: number }
  /** The browser says that there is no network. */
  | { readonly state: "offline" };

/** A refusal or a failure. The words for it are chosen by `code`: the problem's name, or `unreachable`. */
export interface Trouble {
  readonly code: string;
  /** What the server said of it, in English. */
  readonly detail: string;
  readonly field?: string;
  readonly conflictsWith?: string;
  readonly retryAfterSeconds?: number;
}

export type Outcome<T = void> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly trouble: Trouble };

/** A row of the navigation: a followed room, or a conversation. */
export interface Row {
  readonly place: Place;
  readonly name: string;
  readonly unread: number;
  /** When something was last said, for the order of conversations; 0 when it is not known. */
  readonly lastAtMs: number;
  /** The beginning of what was last said, of conversations. */
  readonly preview: string;
  /** Whether a text was begun here and not sent. */
  readonly draft: boolean;
}

export interface Room {
  readonly id: string;
  readonly name: string;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly head: number;
  readonly followed: boolean;
}

export interface Said {
  readonly kind: "said";
  readonly seq: number;
  readonly id: string;
  readonly sender: string;
  readonly text: string;
  readonly atMs: number;
}

/** Messages that the server has removed: never passed over silently. */
export interface Removed {
  readonly kind: "removed";
  readonly first: number;
  readonly last: number;
}

export interface Pending {
  readonly kind: "pending";
  /** The idempotency key, from before it is first sent. */
  readonly key: string;
  readonly text: string;
  readonly atMs: number;
  /** `waiting`: for the connection, or for the time a limit asked to wait. */
  readonly state: "sending" | "waiting" | "failed";
  readonly trouble?: Trouble;
}

/** A window of a place's messages, without holes between its first and its last. */
export interface Timeline {
  readonly place: Place;
  readonly name: string;
  readonly followed: boolean;
  readonly entries: readonly (Said | Removed)[];
  readonly pending: readonly Pending[];
  /** Whether the window reaches to the very first message there is. */
  readonly reachesStart: boolean;
  /** Whether it reaches to the newest; new messages are added to it only then. */
  readonly reachesEnd: boolean;
  readonly loading: "no" | "first" | "older" | "newer";
  readonly trouble?: Trouble;
  /** What was read when the place was opened: the separator stands after this seq; 0 for none. */
  readonly readBefore: number;
  readonly unread: number;
}

export interface Device {
  readonly id: string;
  readonly agent: string;
  readonly createdAtMs: number;
  readonly current: boolean;
}

export type Theme = "system" | "light" | "dark";
export type Language = "en" | "de";

export interface Preferences {
  readonly theme: Theme;
  readonly language: Language;
  readonly notifications: "off" | "on" | "denied" | "unsupported";
}

export interface Port {
  readonly session: ReadonlySignal<Session>;
  readonly connection: ReadonlySignal<Connection>;
  readonly route: ReadonlySignal<Route>;
  readonly rooms: ReadonlySignal<readonly Row[]>;
  readonly conversations: ReadonlySignal<readonly Row[]>;
  /** Of the open place; null when none is open. */
  readonly timeline: ReadonlySignal<Timeline | null>;
  /** The draft of the open place. */
  readonly draft: ReadonlySignal<string>;
  readonly unread: ReadonlySignal<number>;
  readonly preferences: ReadonlySignal<Preferences>;
  readonly acts: Acts;
}

export interface Acts {
  signUp(name: string, password: string): Promise<Outcome>;
  signIn(name: string, password: string): Promise<Outcome>;
  signOut(): Promise<Outcome>;
  devices(): Promise<Outcome<readonly Device[]>>;
  endDevice(id: string): Promise<Outcome>;

  go(route: Route): void;
  createRoom(name: string): Promise<Outcome<Room>>;
  /** Rooms whose name holds the words, by name: those known here at once, the server's as they come. */
  findRooms(words: string): Promise<Outcome<readonly Room[]>>;
  findPeople(words: string): Promise<Outcome<readonly string[]>>;
  unfollow(place: Place): Promise<Outcome>;

  /** More of the open place, when the reader nears an end of the window. Asked twice it is done once. */
  loadOlder(): void;
  loadNewer(): void;
  jumpToNewest(): void;
  /** The reader has seen everything up to `seq` of the open place, in a page that is visible. */
  seen(seq: number): void;

  draft(text: string): void;
  post(text: string): void;
  retry(key: string): void;
  discard(key: string): void;
  /** Try to connect now rather than when the time has come. */
  reconnect(): void;

  setTheme(theme: Theme): void;
  setLanguage(language: Language): void;
  setNotifications(on: boolean): Promise<void>;
}
