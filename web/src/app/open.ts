/**
 * The open place: a window of its messages, read as pages, and grown by what comes live. Where the two cross
 * nothing may fall between: see `arrived`.
 */
import { batch, type Signal, signal } from "@preact/signals";

import { type Client, type Listener, type LogEvent, type LogName, Problem } from "../../client";
import { belongs, entryOf } from "../state/entries";
import * as places from "../state/places";
import * as window from "../state/window";
import { troubleOf } from "./outcome";
import type { Place, Trouble } from "./port";

/** How much of the open place is replayed after an absence; beyond it the newest page is read instead. */
const REPLAY_OPEN = 500;
/** The same for what is not open: its head is enough to count by. */
export const REPLAY_CLOSED = 50;
const PAGE = 50;
const RETRY_SECONDS = 5;
/** No separator: nothing was unread. */
const NOTHING_NEW = Infinity;

export interface Open {
  readonly place: Place;
  readonly window: window.Window;
  readonly loading: "no" | "first" | "older" | "newer";
  readonly trouble: Trouble | undefined;
  readonly readBefore: number;
}

export interface OpenEnvironment {
  readonly client: Client;
  readonly user: string;
  readonly listener: Listener;
  readonly places: Signal<places.Places>;
  readonly setTimeout: (act: () => void, ms: number) => unknown;
  /** Resolved when it was asked at least once which places there are; whether there was an answer. */
  readonly known: () => Promise<boolean>;
  /** The room was opened and was not followed: it is from now on, with nothing up to `head` unread. */
  readonly follow: (room: string, head: number) => void;
  /** The room was closed and is not followed. */
  readonly left: (room: string) => void;
  readonly ended: (reason: string) => void;
}

export class OpenPlace {
  readonly shown = signal<Open | null>(null);
  /** Counts openings: an answer that comes after the next one is of no use any more. */
  private openings = 0;
  /** What came live while a page was on its way: the page may have been made before it, or after. */
  private arrived: window.Entry[] | null = null;

  constructor(private readonly env: OpenEnvironment) {}

  private get now(): Open | null {
    return this.shown.value;
  }

  isOpen(log: LogName): boolean {
    return this.now !== null && logOf(this.now.place) === log;
  }

  /** Opening a room follows it from then on, with nothing in it unread. */
  enter(place: Place): void {
    batch(() => {
      this.leave();
      void this.read(place, { follow: true, readBefore: undefined });
    });
  }

  leave(): void {
    const { now } = this;
    this.openings++;
    this.arrived = null;
    if (!now) return;
    this.shown.value = null;
    this.env.listener.prefer(undefined);
    if (now.place.kind !== "room") return;
    if (places.markOf(this.env.places.value, now.place) === undefined) this.env.left(now.place.id);
    else this.env.listener.allow(logOf(now.place), REPLAY_CLOSED);
  }

  /** Read it from the newest page anew; what was new when it was opened still is. */
  readAnew(): void {
    const { now } = this;
    if (now) void this.read(now.place, { follow: false, readBefore: now.readBefore === NOTHING_NEW ? undefined : now.readBefore });
  }

  /** Try again what could not be read at all. */
  retry(): void {
    if (this.now?.trouble && this.now.window === window.EMPTY) this.enter(this.now.place);
  }

  jumpToNewest(): void {
    if (this.now && this.now.loading !== "first" && !this.now.window.reachesEnd) this.readAnew();
  }

  // -- what comes live ------------------------------------------------------

  happened(event: LogEvent): void {
    const { now } = this;
    if (!now || !belongs(event, now.place, this.env.user)) return;
    const entry = entryOf(event);
    this.arrived?.push(entry);
    if (now.loading !== "first") this.shown.value = { ...now, window: window.live(now.window, entry) };
  }

  // -- pages ----------------------------------------------------------------

  private async read(place: Place, { follow, readBefore }: { readonly follow: boolean; readonly readBefore: number | undefined }): Promise<void> {
    const opening = ++this.openings;
    const { client, listener, user } = this.env;
    const log = logOf(place);
    this.arrived = [];
    this.shown.value = { place, window: window.EMPTY, loading: "first", trouble: undefined, readBefore: NOTHING_NEW };
    listener.prefer(log);
    const isHeard = listener.hears(log) && listener.position(log) !== undefined;
    await this.attempt(opening, async () => {
      const [page, room, isKnown] = await Promise.all([
        client.history(sourceOf(place), { limit: PAGE }),
        place.kind === "room" && !this.env.places.value.rooms.has(place.id) ? client.room(place.id) : undefined,
        // Whether it is followed has to be known, or what is unread would be taken for read.
        this.env.known(),
      ]);
      if (opening !== this.openings) return;
      // Heard all the while, nothing is missing between the page and what arrived; else it is asked for.
      const arrived = (isHeard && this.arrived) || [];
      this.arrived = null;
      if (isHeard && listener.hears(log)) listener.allow(log, REPLAY_OPEN);
      else listener.listen(log, { after: page.cursor, replay: REPLAY_OPEN });
      const newest = window.newest(page.items.map(entryOf), page.more);
      batch(() => {
        if (room) this.env.places.value = places.roomKnown(this.env.places.value, room);
        const mark = places.markOf(this.env.places.value, place);
        const before = readBefore ?? mark ?? NOTHING_NEW;
        const isNew = newest.entries.some((entry) => entry.kind === "said" && entry.seq > before && entry.sender !== user);
        this.shown.value = {
          place,
          window: arrived.reduce(window.live, newest),
          loading: "no",
          trouble: undefined,
          readBefore: isNew || readBefore !== undefined ? before : NOTHING_NEW,
        };
        this.nameUnread();
        if (follow && place.kind === "room" && mark === undefined && isKnown) this.env.follow(place.id, seqOf(page.cursor));
      });
    });
  }

  /** What is unread of an open conversation can be named from its window, and so counted as it is read. */
  nameUnread(): void {
    const { now } = this;
    if (now?.place.kind !== "person" || !now.window.reachesEnd) return;
    const seqs = now.window.entries.flatMap((entry) => (entry.kind === "said" && entry.sender !== this.env.user ? [entry.seq] : []));
    this.env.places.value = places.read(this.env.places.value, now.place.name, seqs);
  }

  loadOlder(): void {
    const before = this.now ? window.firstSeq(this.now.window) : undefined;
    if (before === undefined || this.now?.window.reachesStart) return;
    void this.load("older", { before }, window.older);
  }

  loadNewer(): void {
    const after = this.now ? window.lastSeq(this.now.window) : undefined;
    if (after === undefined || this.now?.window.reachesEnd) return;
    void this.load("newer", { after }, window.newer);
  }

  private async load(
    loading: "older" | "newer",
    asked: { readonly before?: number; readonly after?: number },
    add: (window: window.Window, page: readonly window.Entry[], more: boolean) => window.Window,
  ): Promise<void> {
    const open = this.now;
    if (open?.loading !== "no") return;
    const opening = this.openings;
    this.shown.value = { ...open, trouble: undefined, loading };
    this.arrived = [];
    await this.attempt(opening, async () => {
      const page = await this.env.client.history(sourceOf(open.place), { ...asked, limit: PAGE });
      const { now } = this;
      if (opening !== this.openings || !now) return;
      // What came live may have cut the end at which the page was to be added: then it fits no more.
      const fits = asked.before === undefined || window.firstSeq(now.window) === asked.before;
      const grown = fits ? add(now.window, page.items.map(entryOf), page.more) : now.window;
      // What came after the page was made follows it, when the page reaches to the end.
      this.shown.value = { ...now, window: (this.arrived ?? []).reduce(window.live, grown), loading: "no" };
      this.arrived = null;
    });
  }

  private async attempt(opening: number, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.signedOut) return this.env.ended("signed-out");
      const { now } = this;
      if (opening !== this.openings || !now) return;
      this.arrived = null;
      this.shown.value = { ...now, loading: "no", trouble: troubleOf(problem) };
      if (!problem.passes) return;
      const seconds = problem.retryAfter ?? RETRY_SECONDS;
      this.env.setTimeout(() => opening === this.openings && this.retry(), seconds * 1000);
    }
  }
}

export function logOf(place: Place): LogName {
  return place.kind === "room" ? `room/${place.id}` : "inbox";
}

function sourceOf(place: Place): { readonly room: string } | { readonly with: string } {
  return place.kind === "room" ? { room: place.id } : { with: place.name };
}

/** The seq of a cursor `EPOCH:SEQ`. */
function seqOf(cursor: string): number {
  const seq = Number(cursor.slice(cursor.lastIndexOf(":") + 1));
  return Number.isFinite(seq) ? seq : 0;
}
