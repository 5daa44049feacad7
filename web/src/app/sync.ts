/**
 * Keeping what is shown in step with the server: which places there are, the window of the open one, and what
 * of it was read. One live connection brings the events; pages bring the past.
 */
import { batch, signal } from "@preact/signals";

import { type Client, type LineState, Listener, type ListenerEnvironment, type LogEvent, type LogName, type Mark, type Page, Problem, type WhyBehind } from "../../client";
import { belongs, entryOf } from "../state/entries";
import * as places from "../state/places";
import * as window from "../state/window";
import { MarkTeller } from "./marking";
import { troubleOf } from "./outcome";
import type { Place, Trouble } from "./port";

/** How much of the open place is replayed after an absence; beyond it the newest page is read instead. */
const REPLAY_OPEN = 500;
/** The same for what is not open: its head is enough to count by. */
const REPLAY_CLOSED = 50;
const PAGE = 50;
const PAGES_OF_PLACES = 20;
/** Of the 1,000 logs that a connection takes, some are left for rooms that are opened. */
const MOST_HEARD = 900;
const POLL_MS = 30_000;
const RETRY_SECONDS = 5;
/** No separator: nothing was unread. */
const NOTHING_NEW = Infinity;

const { keyOf, markOf } = places;

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
  /** Whether the browser's session is still this user's. */
  readonly isOurs: () => boolean;
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
  readonly marks: MarkTeller;
  private reading: Promise<void> | null = null;
  private readAgain = false;
  /** Places whose marks moved while it was being asked which there are. */
  private readonly moved = new Set<places.PlaceKey>();
  /** Whether the server has told which places there are, at least once. */
  private isKnown = false;
  /** Whether more rooms are followed than are heard. */
  private isPartial = false;
  /** Counts openings: an answer that comes after the next one is of no use any more. */
  private opened = 0;
  /** What came live in the open place while a page of it was on its way. */
  private arrived: window.Entry[] | null = null;
  private stopped = false;

  constructor(private readonly env: SyncEnvironment) {
    this.places = signal(places.nobody(env.user));
    this.marks = new MarkTeller({
      ...env,
      told: () => {
        if (places.isUnsure(this.places.value)) void this.refresh();
      },
    });
    this.listener = new Listener(
      env.client,
      {
        event: (event) => this.event(event),
        mark: (mark) => this.mark(mark),
        head: (log, head) => {
          if (log !== "inbox") this.places.value = places.headKnown(this.places.value, log.slice(5), head);
        },
        behind: (log, why) => this.behind(log, why),
        state: (state) => this.lineIs(state),
        greet: (user) => {
          if (user !== env.user) env.ended("signed-out");
        },
        ended: (reason) => env.ended(reason),
      },
      env.listener,
    );
  }

  start(): void {
    void this.refresh();
    this.listener.listen("inbox", { replay: REPLAY_OPEN });
    this.listener.start();
    this.poll();
  }

  stop(): void {
    this.stopped = true;
    this.opened++;
    this.marks.stop();
    this.listener.stop();
  }

  /** Try now what failed. */
  reconnect(): void {
    this.listener.reconnect();
    this.retryOpen();
  }

  /** The page is looked at again, or the network came back: is everything still as it seems? */
  doubt(): void {
    this.listener.doubt();
    if (this.line.value.state === "live") void this.refresh();
  }

  // -- which places there are -----------------------------------------------

  /** Ask which places there are, and how much of them was read; once more when it was being asked already. */
  refresh(): Promise<void> {
    if (this.reading) {
      this.readAgain = true;
      return this.reading;
    }
    this.reading = this.readPlaces().finally(() => {
      this.reading = null;
      if (this.readAgain && !this.stopped) {
        this.readAgain = false;
        void this.refresh();
      }
    });
    return this.reading;
  }

  private async readPlaces(): Promise<void> {
    const { client } = this.env;
    this.moved.clear();
    try {
      const [marks, conversations] = await Promise.all([
        all((after) => client.marks({ after }), (mark) => mark.room),
        all((after) => client.conversations({ after, limit: 500 }), (each) => each.user),
      ]);
      if (this.stopped) return;
      const moved = new Set([...this.moved, ...this.marks.untold]);
      batch(() => {
        this.places.value = places.spoken(places.followed(this.places.value, marks, moved), conversations);
        this.nameUnread();
      });
      this.isKnown = true;
      this.isPartial = marks.length > MOST_HEARD;
      for (const { room, head } of marks.slice(0, MOST_HEARD)) {
        const log: LogName = `room/${room}`;
        if (!this.listener.has(log)) this.listener.listen(log, { after: head, replay: REPLAY_CLOSED });
      }
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.signedOut) this.env.ended("signed-out");
      // Otherwise it is asked again when the connection is back, or after a while.
    }
  }

  /** Where not everything fits on the connection, or asking failed, it is asked again now and then. */
  private poll(): void {
    this.env.setTimeout(() => {
      if (this.stopped) return;
      const isLacking = !this.isKnown || this.isPartial || !this.listener.complete;
      if (isLacking && this.env.isVisible()) void this.refresh();
      this.poll();
    }, POLL_MS);
  }

  // -- what is told ---------------------------------------------------------

  private lineIs(state: LineState): void {
    const was = this.line.value.state;
    this.line.value = state;
    if (state.state !== "live" || was === "live") return;
    void this.refresh();
    this.retryOpen();
    this.env.live();
  }

  private event(event: LogEvent): void {
    batch(() => {
      const before = this.places.value;
      this.places.value = places.happened(before, event);
      const open = this.open.value;
      if (open && belongs(event, open.place, this.env.user)) {
        const entry = entryOf(event);
        this.arrived?.push(entry);
        if (open.loading !== "first") this.open.value = { ...open, window: window.live(open.window, entry) };
      }
      this.env.happened(event);
      if (event.type === "message" && event.room !== undefined) {
        const was = before.rooms.get(event.room)?.mark;
        const is = this.places.value.rooms.get(event.room)?.mark;
        if (is === undefined || is === was) return;
        this.moved.add(`room/${event.room}`);
        this.marks.want(`room/${event.room}`, is);
      }
    });
  }

  private mark(mark: Mark): void {
    this.move(mark);
    if (mark.room !== undefined) {
      if (mark.seq === undefined) this.unheard(mark.room);
      else if (!this.listener.has(`room/${mark.room}`)) void this.refresh(); // followed elsewhere
    } else if (places.isUnsure(this.places.value)) {
      void this.refresh();
    }
  }

  private behind(log: LogName, why: WhyBehind): void {
    if (why === "another-history") this.places.value = places.nobody(this.env.user);
    else if (log === "inbox") this.places.value = places.unnamed(this.places.value);
    if (log === "inbox" || why === "another-history") void this.refresh();
    const open = this.open.value;
    if (open && logOf(open.place) === log) this.openAgain(open);
  }

  private move(mark: Mark): void {
    if (mark.room !== undefined) this.moved.add(`room/${mark.room}`);
    this.places.value = places.marked(this.places.value, mark);
  }

  // -- the open place -------------------------------------------------------

  close(): void {
    this.opened++;
    this.arrived = null;
    const open = this.open.value;
    this.open.value = null;
    this.listener.prefer(undefined);
    if (open?.place.kind !== "room") return;
    if (markOf(this.places.value, open.place) === undefined) this.unheard(open.place.id);
    else this.listener.allow(logOf(open.place), REPLAY_CLOSED);
  }

  /** Opening a room follows it from then on, with nothing in it unread. */
  openPlace(place: Place): void {
    batch(() => {
      if (this.open.value) this.close();
      void this.read(place, { follow: true, readBefore: undefined });
    });
  }

  /** Read it from the newest page anew; what was new when it was opened still is. */
  private openAgain(open: Open): void {
    void this.read(open.place, { follow: false, readBefore: open.readBefore === NOTHING_NEW ? undefined : open.readBefore });
  }

  private retryOpen(): void {
    const open = this.open.value;
    if (open?.trouble && open.window === window.EMPTY) this.openPlace(open.place);
  }

  private async read(place: Place, { follow, readBefore }: { readonly follow: boolean; readonly readBefore: number | undefined }): Promise<void> {
    const opening = ++this.opened;
    const { client, user } = this.env;
    const log = logOf(place);
    this.arrived = [];
    this.open.value = { place, window: window.EMPTY, loading: "first", trouble: undefined, readBefore: NOTHING_NEW };
    this.listener.prefer(log);
    const isHeard = this.listener.hears(log) && this.listener.position(log) !== undefined;
    await this.attempt(opening, async () => {
      const [page, room] = await Promise.all([
        client.history(sourceOf(place), { limit: PAGE }),
        place.kind === "room" && !this.places.value.rooms.has(place.id) ? client.room(place.id) : undefined,
        // Whether it is followed has to be known, or what is unread would be taken for read.
        this.isKnown ? undefined : this.refresh(),
      ]);
      if (opening !== this.opened) return;
      const shown = window.newest(page.items.map(entryOf), page.more);
      const arrived = (isHeard && this.arrived) || [];
      // Heard all the while, nothing is missing between the page and what arrived; else it is asked for.
      if (isHeard && this.listener.hears(log)) this.listener.allow(log, REPLAY_OPEN);
      else this.listener.listen(log, { after: page.cursor, replay: REPLAY_OPEN });
      batch(() => {
        if (room) this.places.value = places.roomKnown(this.places.value, room);
        const mark = markOf(this.places.value, place);
        const before = readBefore ?? mark ?? NOTHING_NEW;
        const isNew = shown.entries.some((entry) => entry.kind === "said" && entry.seq > before && entry.sender !== user);
        this.arrived = null;
        this.open.value = {
          place,
          window: arrived.reduce(window.live, shown),
          loading: "no",
          trouble: undefined,
          readBefore: isNew || readBefore !== undefined ? before : NOTHING_NEW,
        };
        this.nameUnread();
        if (follow && place.kind === "room" && mark === undefined && this.isKnown) this.follow(place, seqOf(page.cursor));
      });
    });
  }

  private follow(place: Extract<Place, { kind: "room" }>, head: number): void {
    this.move({ type: "mark", room: place.id, seq: head });
    this.marks.want(keyOf(place), head);
  }

  /** What is unread of the open conversation can be named from its window, and so counted as it is read. */
  private nameUnread(): void {
    const open = this.open.value;
    if (open?.place.kind !== "person" || !open.window.reachesEnd) return;
    const { name } = open.place;
    const seqs = open.window.entries.flatMap((entry) => (entry.kind === "said" && entry.sender !== this.env.user ? [entry.seq] : []));
    this.places.value = places.read(this.places.value, name, seqs);
  }

  loadOlder(): void {
    const open = this.open.value;
    const before = open ? window.firstSeq(open.window) : undefined;
    if (!open || open.loading !== "no" || open.window.reachesStart || before === undefined) return;
    void this.load(open, "older", { before }, window.older);
  }

  loadNewer(): void {
    const open = this.open.value;
    const after = open ? window.lastSeq(open.window) : undefined;
    if (!open || open.loading !== "no" || open.window.reachesEnd || after === undefined) return;
    void this.load(open, "newer", { after }, window.newer);
  }

  private async load(
    open: Open,
    loading: "older" | "newer",
    asked: { readonly before?: number; readonly after?: number },
    add: (window: window.Window, page: readonly window.Entry[], more: boolean) => window.Window,
  ): Promise<void> {
    const opening = this.opened;
    const { trouble: _, ...rest } = open;
    this.open.value = { ...rest, trouble: undefined, loading };
    this.arrived = [];
    await this.attempt(opening, async () => {
      const page = await this.env.client.history(sourceOf(open.place), { ...asked, limit: PAGE });
      const now = this.open.value;
      if (opening !== this.opened || !now) return;
      // What came live may have cut the end at which the page was to be added: then it fits no more.
      const fits = asked.before === undefined || window.firstSeq(now.window) === asked.before;
      const grown = fits ? add(now.window, page.items.map(entryOf), page.more) : now.window;
      // What came after the page was made follows it, when the page reaches to the end.
      this.open.value = { ...now, window: (this.arrived ?? []).reduce(window.live, grown), loading: "no" };
      this.arrived = null;
    });
  }

  jumpToNewest(): void {
    const open = this.open.value;
    if (open && open.loading !== "first" && !open.window.reachesEnd) this.openAgain(open);
  }

  private async attempt(opening: number, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.signedOut) return this.env.ended("signed-out");
      const open = this.open.value;
      if (opening !== this.opened || !open) return;
      this.arrived = null;
      this.open.value = { ...open, loading: "no", trouble: troubleOf(problem) };
      if (problem.passes) {
        const seconds = problem.retryAfter ?? RETRY_SECONDS;
        this.env.setTimeout(() => opening === this.opened && this.retryOpen(), seconds * 1000);
      }
    }
  }

  // -- what was read --------------------------------------------------------

  seen(seq: number): void {
    const open = this.open.value;
    if (open) this.wasRead(keyOf(open.place), seq);
  }

  /** What was read where nothing is followed need not be kept; following is done by opening. */
  wasRead(key: places.PlaceKey, seq: number): void {
    const place = places.placeOf(key);
    const mark = place ? markOf(this.places.value, place) : undefined;
    if (!place || seq <= (mark ?? 0) || (place.kind === "room" && mark === undefined)) return;
    const target = place.kind === "room" ? { room: place.id } : { user: place.name };
    this.move({ type: "mark", ...target, seq });
    this.marks.want(key, seq);
  }

  async unfollow(room: string): Promise<void> {
    this.marks.forget(`room/${room}`);
    await this.env.client.unfollow(room);
    this.move({ type: "mark", room });
    this.unheard(room);
  }

  private unheard(room: string): void {
    const open = this.open.value?.place;
    if (open?.kind !== "room" || open.id !== room) this.listener.leave(`room/${room}`);
  }
}

function logOf(place: Place): LogName {
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
