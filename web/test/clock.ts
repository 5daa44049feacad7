/** A clock that only moves when it is told to, and chance that comes out the same each time. */

interface Timer {
  readonly atMs: number;
  readonly act: () => void;
}

export class Clock {
  nowMs = Date.parse("2026-01-31T09:30:00Z");
  private timers: Timer[] = [];

  readonly setTimeout = (act: () => void, ms: number): Timer => {
    const timer = { act, atMs: this.nowMs + ms };
    const at = this.timers.findIndex((each) => each.atMs > timer.atMs);
    this.timers.splice(at < 0 ? this.timers.length : at, 0, timer);
    return timer;
  };

  readonly clearTimeout = (timer: unknown): void => {
    this.timers = this.timers.filter((each) => each !== timer);
  };

  /** Let so much time pass, with all that happens in it. */
  async pass(seconds: number): Promise<void> {
    const untilMs = this.nowMs + seconds * 1000;
    await turn();
    for (;;) {
      const next = this.timers[0];
      if (!next || next.atMs > untilMs) break;
      this.timers.shift();
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.act();
      await turn();
    }
    this.nowMs = untilMs;
  }
}

/** Until everything that was promised and is there has been taken. */
async function turn(): Promise<void> {
  await new Promise((done) => setImmediate(done));
}

/** Numbers from 0 to 1: those of Park and Miller for this seed. */
export function chanceOf(seed: number): () => number {
  let at = (seed % 2147483646) + 1;
  return () => (at = (at * 48271) % 2147483647) / 2147483647;
}

export class Dice {
  constructor(private readonly chance: () => number) {}

  /** A whole number from 0 to below `end`. */
  below(end: number): number {
    return Math.floor(this.chance() * end);
  }

  one<T>(of: readonly T[]): T {
    const found = of[this.below(of.length)];
    if (found === undefined) throw new Error("one of nothing");
    return found;
  }
}
