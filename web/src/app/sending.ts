/**
 * Sending what was written, until it is stored or refused: in each place in order, each under its own key, kept
 * over reloads. Sending one twice is harmless, so several tabs may do it.
 */
import { effect, signal } from "@preact/signals";

import { Backoff, type Client, Problem } from "../../client";
import * as outbox from "../state/outbox";
import { type PlaceKey, placeOf } from "../state/places";
import type { Memory } from "./memory";
import { troubleOf } from "./outcome";

export interface SendingEnvironment {
  readonly client: Client;
  readonly memory: Memory;
  readonly user: string;
  readonly nowMs: () => number;
  readonly setTimeout: (act: () => void, ms: number) => unknown;
  readonly chance: () => number;
  readonly newKey: () => string;
  /** Whether the browser's session is still this user's: nothing goes out under somebody else's name. */
  readonly isOurs: () => boolean;
  /** It is stored there under this seq. */
  readonly stored: (place: PlaceKey, seq: number) => void;
}

export class Sending {
  readonly outbox = signal<outbox.Outbox>([]);
  /** The key that is on its way, of each place. */
  private readonly busy = new Map<PlaceKey, string>();
  private readonly backoff: Backoff;
  private readonly stopKeeping: () => void;
  /** When the next try may be; `asked` when the server asked to wait so long. */
  private pause: { readonly untilMs: number; readonly asked: boolean } | null = null;
  private stopped = false;

  constructor(private readonly env: SendingEnvironment) {
    this.backoff = new Backoff(env.chance);
    for (const key of env.memory.names(this.name(""))) this.adopt(key);
    let kept = new Map<string, outbox.Unsent>(this.outbox.value.map((each) => [each.key, each]));
    this.stopKeeping = effect(() => {
      const now = new Map(this.outbox.value.filter((each) => each.seq === undefined).map((each) => [each.key, each]));
      for (const [key, unsent] of now) {
        if (kept.get(key) !== unsent) env.memory.set(this.name(key), JSON.stringify(unsent));
      }
      for (const key of kept.keys()) if (!now.has(key)) env.memory.delete(this.name(key));
      kept = now;
    });
  }

  private name(key: string): string {
    return `${this.env.user}:unsent:${key}`;
  }

  private adopt(key: string): void {
    const text = this.env.memory.get(this.name(key));
    const unsent = text === null ? undefined : outbox.remembered(text);
    if (unsent?.key === key && placeOf(unsent.place)) {
      this.outbox.value = [...outbox.written(this.outbox.value, unsent)].sort((a, b) => a.atMs - b.atMs);
    }
  }

  stop(): void {
    this.stopped = true;
    this.stopKeeping();
  }

  write(place: PlaceKey, text: string): void {
    const before = this.outbox.value.at(-1)?.atMs ?? 0;
    const atMs = Math.max(this.env.nowMs(), before + 1); // their order, also after a reload
    const isHeld = this.outbox.value.some((each) => each.place === place && each.state === "waiting");
    const state = isHeld ? "waiting" : "sending";
    this.outbox.value = outbox.written(this.outbox.value, { kind: "pending", key: this.env.newKey(), place, text, atMs, state });
    this.pump();
  }

  /** Somebody wants it tried now. */
  retry(key: string): void {
    this.outbox.value = outbox.changed(this.outbox.value, key, "waiting");
    this.wake();
  }

  discard(key: string): void {
    this.outbox.value = outbox.gone(this.outbox.value, key);
    this.pump();
  }

  /** Its own event has come. */
  seen(key: string | undefined): void {
    if (key !== undefined) this.outbox.value = outbox.gone(this.outbox.value, key);
  }

  settle(place: PlaceKey | undefined, shownUpTo: number): void {
    this.outbox.value = outbox.settled(this.outbox.value, place, shownUpTo);
  }

  /** Another tab has let go of what was kept under this name: it was stored, or discarded. */
  forgotten(name: string): void {
    const unsent = this.outbox.value.find((each) => this.name(each.key) === name);
    if (unsent && unsent.seq === undefined && this.busy.get(unsent.place) !== unsent.key) this.seen(unsent.key);
  }

  /** The connection is back: what waited for it need not wait on; what the server asked to wait, waits. */
  wake(): void {
    if (this.pause && !this.pause.asked) this.pause = null;
    this.pump();
  }

  private pump(): void {
    if (this.stopped || !this.env.isOurs()) return;
    if (this.pause && this.env.nowMs() < this.pause.untilMs) return;
    this.pause = null;
    for (const unsent of outbox.next(this.outbox.value)) {
      if (!this.busy.has(unsent.place)) void this.send(unsent);
    }
  }

  private async send(unsent: outbox.Unsent): Promise<void> {
    const { key, place } = unsent;
    this.busy.set(place, key);
    this.outbox.value = outbox.changed(this.outbox.value, key, "sending");
    try {
      const { seq } = await this.env.client.postOnce(targetOf(place), unsent.text, key);
      this.backoff.succeeded();
      this.outbox.value = outbox.held(outbox.answered(this.outbox.value, key, seq), place, "sending");
      this.env.stored(place, seq);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      const isLater = problem.passes || problem.signedOut;
      this.outbox.value = outbox.changed(this.outbox.value, key, isLater ? "waiting" : "failed", troubleOf(problem));
      if (isLater) {
        this.outbox.value = outbox.held(this.outbox.value, place, "waiting");
        this.waitFor(problem.retryAfter);
      }
    } finally {
      this.busy.delete(place);
    }
    this.pump();
  }

  private waitFor(asked: number | undefined): void {
    const ms = Math.ceil((asked ?? this.backoff.next()) * 1000);
    const pause = { untilMs: this.env.nowMs() + ms, asked: asked !== undefined };
    this.pause = pause;
    this.env.setTimeout(() => {
      // Timers keep time of their own: one that comes a little before the clock says so has come all the same.
      if (this.pause === pause) this.pause = null;
      this.pump();
    }, ms);
  }
}

function targetOf(key: PlaceKey): { readonly room: string } | { readonly to: string } {
  const place = placeOf(key);
  if (!place) throw new Error(`${key} is no place`);
  return place.kind === "room" ? { room: place.id } : { to: place.name };
}
