/** What is there while somebody is signed in: made at the sign-in, and gone with the session. */
import { computed, effect } from "@preact/signals";

import type { Client, LogEvent } from "../../client";
import { keyOf, unreadIn } from "../state/places";
import { lastSeq } from "../state/window";
import { Drafts } from "./drafts";
import type { Environment } from "./environment";
import type { Memory } from "./memory";
import { noticeOf } from "./notices";
import type { Place, Route, Timeline } from "./port";
import { Sending } from "./sending";
import { Sync } from "./sync";

export interface Around {
  readonly env: Environment;
  readonly client: Client;
  readonly memory: Memory;
  readonly isOurs: () => boolean;
  readonly ended: (reason: string) => void;
  readonly wantsNotices: () => boolean;
  readonly go: (route: Route) => void;
}

export class Lounge {
  readonly sync: Sync;
  readonly sending: Sending;
  readonly drafts: Drafts;
  readonly timeline = computed(() => this.shown());
  isOver = false;
  private readonly stopSettling: () => void;

  constructor(
    readonly user: string,
    private readonly around: Around,
  ) {
    const { env, client, memory, isOurs } = around;
    const { setTimeout, clearTimeout, nowMs, chance, newKey, isVisible, WebSocket, EventSource } = env;
    this.drafts = new Drafts(memory, user);
    this.sync = new Sync({
      client,
      user,
      listener: { WebSocket, EventSource, setTimeout, clearTimeout, nowMs, chance },
      setTimeout,
      isVisible,
      isOurs,
      happened: (event) => this.happened(event),
      ended: around.ended,
      live: () => this.wake(),
    });
    this.sending = new Sending({
      client,
      memory,
      user,
      nowMs,
      setTimeout,
      chance,
      newKey,
      isOurs,
      stored: (place, seq) => this.sync.wasRead(place, seq),
    });
    this.stopSettling = effect(() => {
      const open = this.sync.open.shown.value;
      this.sending.settle(open ? keyOf(open.place) : undefined, open ? (lastSeq(open.window) ?? 0) : 0);
    });
  }

  start(): void {
    this.sync.start();
    this.wake();
  }

  /** What could not be told to the server is tried now. */
  wake(): void {
    this.sending.wake();
    this.sync.marks.again();
  }

  stop(): void {
    this.isOver = true;
    this.stopSettling();
    this.sync.stop();
    this.sending.stop();
  }

  arrive(route: Route): void {
    if (route.at !== "place") {
      this.sync.open.leave();
      this.drafts.arrive(undefined);
      return;
    }
    const open = this.sync.open.shown.value;
    if (!open || keyOf(open.place) !== keyOf(route.place)) this.sync.open.enter(route.place);
    this.drafts.arrive(keyOf(route.place));
  }

  post(place: Place, text: string): void {
    this.sending.write(keyOf(place), text);
    this.drafts.write("");
    this.sync.open.jumpToNewest();
  }

  private shown(): Timeline | null {
    const open = this.sync.open.shown.value;
    if (!open) return null;
    const { place, window, loading, trouble, readBefore } = open;
    const known = this.sync.places.value;
    const room = place.kind === "room" ? known.rooms.get(place.id) : undefined;
    const key = keyOf(place);
    return {
      place,
      name: place.kind === "room" ? (room?.name ?? "") : place.name,
      followed: room?.mark !== undefined,
      entries: window.entries,
      pending: this.sending.outbox.value.filter((each) => each.place === key),
      reachesStart: window.reachesStart,
      reachesEnd: window.reachesEnd,
      loading,
      ...(trouble ? { trouble } : {}),
      readBefore,
      unread: unreadIn(known, place),
    };
  }

  private happened(event: LogEvent): void {
    if (event.type === "gap") return;
    if (event.sender === this.user) this.sending.seen(event.key);
    const { env, go, wantsNotices } = this.around;
    if (env.isVisible() || !wantsNotices()) return;
    const room = event.type === "message" && event.room !== undefined ? this.sync.places.value.rooms.get(event.room) : undefined;
    const notice = noticeOf(event, this.user, room?.name ?? "");
    if (notice) env.notices?.show({ ...notice, tag: event.id }, () => go({ at: "place", place: notice.place }));
  }
}
