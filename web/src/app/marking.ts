/**
 * Telling the server what was read: at once the first time, then once a second for a place at most, with the
 * largest seq. What cannot be told now is told later; a mark only goes forward, so that is as good.
 */
import { type Client, Problem } from "../../client";
import { type PlaceKey, placeOf } from "../state/places";

const PAUSE_MS = 1000;
const RETRY_SECONDS = 5;

interface Marking {
  wanted: number;
  told: number;
  busy: boolean;
}

export interface MarkingEnvironment {
  readonly client: Client;
  readonly setTimeout: (act: () => void, ms: number) => unknown;
  /** Whether the browser's session is still this user's. */
  readonly isOurs: () => boolean;
  /** Everything wanted was told. */
  readonly told: () => void;
}

export class MarkTeller {
  private readonly places = new Map<PlaceKey, Marking>();
  private stopped = false;

  constructor(private readonly env: MarkingEnvironment) {}

  want(key: PlaceKey, seq: number): void {
    const marking = this.places.get(key) ?? { wanted: -1, told: -1, busy: false };
    marking.wanted = Math.max(marking.wanted, seq);
    this.places.set(key, marking);
    void this.tell(key, marking);
  }

  /** Where the server has not been told yet what was read. */
  get untold(): readonly PlaceKey[] {
    return [...this.places].filter(([, { wanted, told }]) => wanted > told).map(([key]) => key);
  }

  /** Not followed any more: nothing is to be told that would follow it again. */
  forget(key: PlaceKey): void {
    this.places.delete(key);
  }

  /** The connection is back. */
  again(): void {
    for (const [key, marking] of this.places) void this.tell(key, marking);
  }

  stop(): void {
    this.stopped = true;
  }

  private async tell(key: PlaceKey, marking: Marking): Promise<void> {
    const isDone = (): boolean => this.stopped || this.places.get(key) !== marking || marking.wanted <= marking.told;
    const place = placeOf(key);
    if (!place || marking.busy || isDone() || !this.env.isOurs()) return;
    marking.busy = true;
    const seq = marking.wanted;
    let pauseMs = PAUSE_MS;
    try {
      // Once: whose the session is has to be looked at before each try.
      await this.env.client.markOnce(place.kind === "room" ? { room: place.id } : { to: place.name }, seq);
      marking.told = seq;
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.passes || problem.signedOut) pauseMs = (problem.retryAfter ?? RETRY_SECONDS) * 1000;
      else marking.told = seq; // of another history, or gone: nobody waits for it
    }
    this.env.setTimeout(() => {
      marking.busy = false;
      if (isDone()) this.env.told();
      else void this.tell(key, marking);
    }, pauseMs);
  }
}
