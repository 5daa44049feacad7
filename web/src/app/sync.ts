/**
 * Keeping what is known in step with the server: which places there are, and what of them was read. One live
 * connection brings what happens; what it cannot bring is asked for.
 */
import { batch, signal } from "@preact/signals";

import { type Client, type LineState, Listener, type ListenerEnvironment, type LogEvent, type LogName, type Mark, type Page, Problem, type WhyBehind } from "../../client";
import * as places from "../state/places";
import { MarkTeller } from "./marking";
import { OpenPlace, REPLAY_CLOSED } from "./open";

const REPLAY_INBOX = 500;
const PAGES_OF_PLACES = 20;
/** Of the 1,000 logs that a connection takes, some are left for rooms that are opened. */
const MOST_HEARD = 900;
const POLL_MS = 30_000;

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
  readonly line = signal<LineState>({ state: "connecting" });
  readonly open: OpenPlace;
  readonly marks: MarkTeller;
  private readonly listener: Listener;
  private asking: Promise<void> | null = null;
  private isToAskAgain = false;
  /** Places whose marks moved while it was being asked which there are. */
  private readonly moved = new Set<places.PlaceKey>();
  /** Whether the server has told which places there are, at least once. */
  private isKnown = false;
  /** Whether more rooms are followed than are heard. */
  private isPartial = false;
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
    this.open = new OpenPlace({
      ...env,
      listener: this.listener,
      places: this.places,
      known: async () => {
        if (!this.isKnown) await this.refresh();
        return this.isKnown;
      },
      follow: (room, head) => {
        this.move({ type: "mark", room, seq: head });
        this.marks.want(`room/${room}`, head);
      },
      left: (room) => this.listener.leave(`room/${room}`),
    });
  }

  start(): void {
    void this.refresh();
    this.listener.listen("inbox", { replay: REPLAY_INBOX });
    this.listener.start();
    this.poll();
  }

  stop(): void {
    this.stopped = true;
    this.open.leave();
    this.marks.stop();
    this.listener.stop();
  }

  /** Try now what failed. */
  reconnect(): void {
    this.listener.reconnect();
    this.open.retry();
  }

  /** The page is looked at again, or the network came back: is everything still as it seems? */
  doubt(): void {
    this.listener.doubt();
    if (this.line.value.state === "live") void this.refresh();
  }

  // -- which places there are -----------------------------------------------

  /** Ask which places there are, and how much of them was read; once more when it was being asked already. */
  private refresh(): Promise<void> {
    if (this.asking) {
      this.isToAskAgain = true;
      return this.asking;
    }
    this.asking = this.askPlaces().finally(() => {
      this.asking = null;
      if (!this.isToAskAgain || this.stopped) return;
      this.isToAskAgain = false;
      void this.refresh();
    });
    return this.asking;
  }

  private async askPlaces(): Promise<void> {
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
        this.open.nameUnread();
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
    this.open.retry();
    this.env.live();
  }

  private event(event: LogEvent): void {
    batch(() => {
      const before = this.places.value;
      this.places.value = places.happened(before, event);
      this.open.happened(event);
      this.env.happened(event);
      if (event.type !== "message" || event.room === undefined) return;
      const was = before.rooms.get(event.room)?.mark;
      const is = this.places.value.rooms.get(event.room)?.mark;
      if (is === undefined || is === was) return;
      this.moved.add(`room/${event.room}`);
      this.marks.want(`room/${event.room}`, is);
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

  private move(mark: Mark): void {
    if (mark.room !== undefined) this.moved.add(`room/${mark.room}`);
    this.places.value = places.marked(this.places.value, mark);
  }

  private behind(log: LogName, why: WhyBehind): void {
    if (why === "another-history") this.places.value = places.nobody(this.env.user);
    else if (log === "inbox") this.places.value = places.unnamed(this.places.value);
    if (log === "inbox" || why === "another-history") void this.refresh();
    if (this.open.isOpen(log)) this.open.readAnew();
  }

  // -- what was read --------------------------------------------------------

  /** What was read where nothing is followed need not be kept; following is done by opening. */
  wasRead(key: places.PlaceKey, seq: number): void {
    const place = places.placeOf(key);
    const mark = place ? places.markOf(this.places.value, place) : undefined;
    if (!place || seq <= (mark ?? 0) || (place.kind === "room" && mark === undefined)) return;
    this.move({ type: "mark", ...(place.kind === "room" ? { room: place.id } : { user: place.name }), seq });
    this.marks.want(key, seq);
  }

  seen(seq: number): void {
    const place = this.open.shown.value?.place;
    if (place) this.wasRead(places.keyOf(place), seq);
  }

  async unfollow(room: string): Promise<void> {
    this.marks.forget(`room/${room}`);
    await this.env.client.unfollow(room);
    this.move({ type: "mark", room });
    this.unheard(room);
  }

  private unheard(room: string): void {
    if (!this.open.isOpen(`room/${room}`)) this.listener.leave(`room/${room}`);
  }
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
