import type { ProblemBody } from "./wire";

/** What the server refused, or that nobody answered (`unreachable`, status 0). */
export class Problem extends Error {
  override readonly name = "Problem";

  constructor(
    /** The name in `/problems/NAME`: stable, for programs. */
    readonly code: string,
    readonly status: number,
    readonly body: Partial<ProblemBody> = {},
  ) {
    super(body.detail || body.title || code);
  }

  /** Seconds the server asked to wait before the same is tried again. */
  get retryAfter(): number | undefined {
    return this.body.retry_after;
  }

  /** Whether the same request may succeed later. */
  get passes(): boolean {
    return this.status === 0 || this.status === 429 || this.status === 408 || this.status >= 500;
  }

  /** Whether the session is over. */
  get signedOut(): boolean {
    return this.status === 401 && this.code === "not-signed-in";
  }

  static unreachable(why: unknown): Problem {
    return new Problem("unreachable", 0, { detail: why instanceof Error ? why.message : String(why) });
  }

  static async of(answer: Response): Promise<Problem> {
    let body: Partial<ProblemBody> = {};
    try {
      body = (await answer.json()) as Partial<ProblemBody>;
    } catch {
      // Something between us and the server answered in its place.
    }
    const code = body.type?.startsWith("/problems/") ? body.type.slice("/problems/".length) : "unexpected";
    const asked = Number(answer.headers.get("retry-after"));
    const wait = body.retry_after ?? (asked > 0 ? asked : undefined);
    return new Problem(code, answer.status, { ...body, ...(wait === undefined ? {} : { retry_after: wait }) });
  }
}
