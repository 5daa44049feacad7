/** How long to wait before trying again: longer after each failure, and never all clients at once. */
export class Backoff {
  private failures = 0;

  /** Waits lie between half of `firstSeconds` and `longestSeconds`. `chance` gives 0 to 1. */
  constructor(
    private readonly chance: () => number = Math.random,
    private readonly firstSeconds = 0.5,
    private readonly longestSeconds = 30,
  ) {}

  /** Seconds to wait after one more failure. */
  next(): number {
    const most = Math.min(this.longestSeconds, this.firstSeconds * 2 ** this.failures);
    this.failures = Math.min(this.failures + 1, 16);
    return most / 2 + (most / 2) * this.chance();
  }

  succeeded(): void {
    this.failures = 0;
  }
}
