/**
 * Keeping what is shown in step with the server: which places there are, the window of the open one, and what
 * of it was read. One live connection brings the events; pages bring the past.
 */
import { batch, signal } from "@preact/signals";

import { type Client, type LineState, type Listener, type ListenerEnvironment, type LogEvent, type LogName, type Page, Problem } from "../../client";
import { belongs, entryOf } from "../state/entries";
import * as places from "../state/places";
import * as window from "../state/window";
import { troubleOf } from "./outcome";
import type { Place, Trouble } from "./port";

/** How much a listener is handed of what it missed; beyond it the newest page is read instead. */
const REPLAY = 100;
const PAGE = 50;
const PAGES_OF_PLACES = 20;
const MARK_MS = 1000;
const POLL_MS = 30_000;

export interface Open {
  readonly place: Place;
  readonly window: window.Window;
  readonly loading: "no" | "first" | "older" | "newer";
  readonly trouble: Trouble | undefined;
  readonly readBefore: number;
}

export interface SyncEnvironment {
  readonly client: Client;
  readonly user: string;
  readonly listener: ListenerEnvironment;
  readonly setTimeout: (act: () => void, ms: number) => unknown;
  readonly isVisible: () => boolean;
  /** An event that was not known, in whatever place. */
  readonly happened: (event: LogEvent) => void;
  readonly ended: (reason: string) => void;
  readonly live: () => void;
}

export class Sync {
  readonly places;
  readonly open = signal<Open | null>(null);
  readonly line = signal<LineState>({ state: "connecting" });
  private readonly listener: Listener;
  private readonly marking = new Map<places.PlaceKey, number>();
  private refreshing: Promise<void> | null = null;
  /** Counts openings: an answer that comes after the next one is of no use any more. */
  private opened = 0;
  private stopped = false;

  constructor(private readonly env: SyncEnvironment) {
    this.places = signal(places.nobody(env.user));
    this.listener = env.client.listener(
      {
        event: (event) => this.event(event),
        mark: (mark) => this.mark(mark),
        head: (log, head) => {
          if (log !== "inbox") this.places.value = places.headKnown(this.places.value, log.slice(5), head);
        },
        behind: (log, why) => this.behind(log, why),
        state: (state) => this.lineIs(state),
        ended: (reason) => this.env.ended(reason),
      },
      env.listener,
    );
  }

  async start(): Promise<void> {
    await this.refresh();
    if (this.stopped) return;
    this.listener.start();
    this.poll();
  }

  stop(): void {
    this.stopped = true;
    this.listener.stop();
  }

  reconnect(): void {
    this.listener.reconnect();
  }

  /** The page is looked at again, or the network came back: is everything still as it seems? */
  doubt(): void {
    this.listener.doubt();
    if (this.line.value.state === "live") void this.refresh();
  }

  // -- which places there are -----------------------------------------------

  refresh(): Promise<void> {
    this.refreshing ??= this.readPlaces().finally(() => (this.refreshing = null));
    return this.refreshing;
  }

  private async readPlaces(): Promise<void> {
    try {
      const { client } = this.env;
      const before = await client.history("inbox", { limit: 1 });
      const [marks, conversations] = await Promise.all([
        all((after) => client.marks({ after }), (mark) => mark.room),
        all((after) => client.conversations({ after, limit: 500 }), (each) => each.user),
      ]);
      if (this.stopped) return;
      this.places.value = places.spoken(places.followed(this.places.value, marks), conversations);
      for (const [key, seq] of this.marking) this.note(key, seq); // what was on its way when the server was asked
      if (!this.listener.has("inbox")) this.listener.listen("inbox", { after: seqOf(before.cursor), replay: REPLAY });
      for (const { room, head } of marks) this.hear(room, head);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.signedOut) this.env.ended("signed-out");
      // Otherwise the connection comes back by itself, and this is done again then.
    }
  }

  private hear(room: string, after: number): void {
    const log: LogName = `room/${room}`;
    if (!this.listener.has(log)) this.listener.listen(log, { after, replay: REPLAY });
  }

  /** Where not everything fits on the connection, the rest is asked for now and then. */
  private poll(): void {
    this.env.setTimeout(() => {
      if (this.stopped) return;
      if (!this.listener.complete && this.env.isVisible()) void this.refresh();
      this.poll();
    }, POLL_MS);
  }

  // -- what is told ---------------------------------------------------------

  private lineIs(state: LineState): void {
    const was = this.line.value.state;
    this.line.value = state;
    if (state.state === "live" && was !== "live") {
      void this.refresh();
      const open = this.open.value;
      if (open?.trouble || open?.loading === "first") this.openPlace(open.place);
      this.env.live();
    }
  }

  private event(event: LogEvent): void {
    batch(() => {
      const before = this.places.value;
      this.places.value = places.happened(before, event);
      const open = this.open.value;
      if (open && open.loading !== "first" && belongs(event, open.place, this.env.user)) {
        this.open.value = { ...open, window: window.live(open.window, entryOf(event)) };
      }
      this.env.happened(event);
      if (event.type === "message" && event.room !== undefined) {
        const was = before.rooms.get(event.room)?.mark;
        const is = this.places.value.rooms.get(event.room)?.mark;
        if (is !== undefined && is !== was) this.markLater(`room/${event.room}`, is);
      }
    });
  }

  private mark(mark: Parameters<typeof places.marked>[1]): void {
    this.places.value = places.marked(this.places.value, mark);
    if (mark.room !== undefined && mark.seq === undefined) this.unheard(mark.room);
    if (mark.room !== undefined && !this.places.value.rooms.has(mark.room)) void this.refresh(); // followed elsewhere
  }

  private behind(log: LogName, why: "too-much" | "another-history"): void {
    if (why === "another-history") this.places.value = places.nobody(this.env.user);
    if (log === "inbox" || why === "another-history") void this.refresh();
    const open = this.open.value;
    if (!open) return;
    const itsLog: LogName = open.place.kind === "room" ? `room/${open.place.id}` : "inbox";
    if (itsLog === log) this.openPlace(open.place, open.readBefore);
  }

  // -- the open place -------------------------------------------------------

  close(): void {
    this.opened++;
    const open = this.open.value;
    this.open.value = null;
    this.listener.prefer(undefined);
    if (open?.place.kind === "room" && markOf(this.places.value, open.place) === undefined) this.unheard(open.place.id);
  }

  openPlace(place: Place, readBefore?: number): void {
    const was = this.open.value;
    if (was && places.keyOf(was.place) !== places.keyOf(place)) this.close();
    const opening = ++this.opened;
    const read = readBefore ?? markOf(this.places.value, place) ?? 0;
    this.open.value = { place, window: window.EMPTY, loading: "first", trouble: undefined, readBefore: read };
    if (place.kind === "room") this.listener.prefer(`room/${place.id}`);
    void this.attempt(opening, async () => {
      const wasFollowed = markOf(this.places.value, place) !== undefined;
      if (place.kind === "room") {
        const room = await this.env.client.room(place.id);
        this.places.value = places.roomKnown(this.places.value, room);
      } else if (!this.places.value.people.has(place.name)) {
        await this.env.client.person(place.name);
      }
      const page = await this.env.client.history(sourceOf(place), { limit: PAGE });
      if (opening !== this.opened) return;
      const head = seqOf(page.cursor);
      // The log is heard from where the page ends, so that nothing falls between.
      if (place.kind === "room") this.listener.listen(`room/${place.id}`, { after: head, replay: REPLAY });
      let shown = window.newest(page.items.map(entryOf), page.more);
      if (place.kind === "person") shown = await this.catchUp(place, shown, head, opening);
      if (opening !== this.opened) return;
      this.open.value = { place, window: shown, loading: "no", trouble: undefined, readBefore: read };
      if (place.kind === "room" && !wasFollowed) {
        this.note(places.keyOf(place), head);
        this.markLater(places.keyOf(place), head);
      }
    });
  }

  /**
   * The inbox is heard already, for all conversations: events that came between the page and now were told
   * before the window could take them, so read what follows the page until there is nothing.
   */
  private async catchUp(place: Place, shown: window.Window, head: number, opening: number): Promise<window.Window> {
    let read = head;
    while (opening === this.opened && (this.listener.position("inbox") ?? 0) > read) {
      const page = await this.env.client.history(sourceOf(place), { after: read, limit: PAGE });
      shown = window.newer(shown, page.items.map(entryOf), false);
      const last = page.items.at(-1);
      read = page.more && last ? (last.type === "gap" ? last.last : last.seq) : Math.max(read + 1, seqOf(page.cursor));
    }
    return shown;
  }

  loadOlder(): void {
    const open = this.open.value;
    const before = open ? window.firstSeq(open.window) : undefined;
    if (!open || open.loading !== "no" || open.window.reachesStart || before === undefined) return;
    this.load(open, "older", { before }, window.older);
  }

  loadNewer(): void {
    const open = this.open.value;
    const after = open ? window.lastSeq(open.window) : undefined;
    if (!open || open.loading !== "no" || open.window.reachesEnd || after === undefined) return;
    this.load(open, "newer", { after }, window.newer);
  }

  private load(
    open: Open,
    loading: "older" | "newer",
    asked: { readonly before?: number; readonly after?: number },
    add: (window: window.Window, page: readonly window.Entry[], more: boolean) => window.Window,
  ): void {
    const opening = this.opened;
    this.open.value = { ...open, loading };
    void this.attempt(opening, async () => {
      const page = await this.env.client.history(sourceOf(open.place), { ...asked, limit: PAGE });
      const now = this.open.value;
      if (opening !== this.opened || !now) return;
      let grown = add(now.window, page.items.map(entryOf), page.more);
      // Whether the end is reached is as old as the page: what came meanwhile was not added to the window.
      if (loading === "newer" && grown.reachesEnd && this.cameSince(open.place, page)) grown = { ...grown, reachesEnd: false };
      this.open.value = { ...now, window: grown, loading: "no" };
    });
  }

  private cameSince(place: Place, page: Page<LogEvent>): boolean {
    const log: LogName = place.kind === "room" ? `room/${place.id}` : "inbox";
    return (this.listener.position(log) ?? 0) > seqOf(page.cursor);
  }

  jumpToNewest(): void {
    const open = this.open.value;
    if (open && !open.window.reachesEnd) this.openPlace(open.place, open.readBefore);
  }

  private async attempt(opening: number, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.signedOut) return this.env.ended("signed-out");
      const open = this.open.value;
      if (opening === this.opened && open) this.open.value = { ...open, loading: "no", trouble: troubleOf(problem) };
    }
  }

  // -- what was read --------------------------------------------------------

  seen(seq: number): void {
    const open = this.open.value;
    if (open) this.read(places.keyOf(open.place), seq);
  }

  read(key: places.PlaceKey, seq: number): void {
    const place = places.placeOf(key);
    if (!place || seq <= (markOf(this.places.value, place) ?? 0)) return;
    this.note(key, seq);
    this.markLater(key, seq);
  }

  private note(key: places.PlaceKey, seq: number): void {
    const place = places.placeOf(key);
    if (!place) return;
    const target = place.kind === "room" ? { room: place.id } : { user: place.name };
    this.places.value = places.marked(this.places.value, { type: "mark", ...target, seq });
  }

  /** At once the first time, and then once a second at most. */
  private markLater(key: places.PlaceKey, seq: number): void {
    const waiting = this.marking.get(key);
    this.marking.set(key, Math.max(seq, waiting ?? 0));
    if (waiting !== undefined) return;
    const send = (): void => {
      const place = places.placeOf(key);
      const last = this.marking.get(key);
      if (!place || last === undefined || this.stopped) return;
      const target = place.kind === "room" ? { room: place.id } : { to: place.name };
      const done = (): void => {
        this.env.setTimeout(() => {
          if (this.marking.get(key) === last) this.marking.delete(key);
          else send();
        }, MARK_MS);
      };
      // What could not be marked is marked with the next: a mark is no promise.
      this.env.client.mark(target, last).then(done, done);
    };
    send();
  }

  async unfollow(room: string): Promise<void> {
    this.marking.delete(`room/${room}`);
    await this.env.client.unfollow(room);
    this.places.value = places.marked(this.places.value, { type: "mark", room });
    this.unheard(room);
  }

  private unheard(room: string): void {
    const open = this.open.value?.place;
    if (open?.kind !== "room" || open.id !== room) this.listener.leave(`room/${room}`);
  }
}

const { markOf } = places;

function sourceOf(place: Place): { readonly room: string } | { readonly with: string } {
  return place.kind === "room" ? { room: place.id } : { with: place.name };
}

/** The seq of a cursor `EPOCH:SEQ`. */
function seqOf(cursor: string): number {
  const seq = Number(cursor.slice(cursor.lastIndexOf(":") + 1));
  return Number.isFinite(seq) ? seq : 0;
}

async function all<T>(read: (after: string) => Promise<Page<T>>, name: (item: T) => string): Promise<readonly T[]> {
  const found: T[] = [];
  for (let page = 0; page < PAGES_OF_PLACES; page++) {
    const last = found.at(-1);
    const { items, more } = await read(last === undefined ? "" : name(last));
    found.push(...items);
    if (!more || items.length === 0) break;
  }
  return found;
}
