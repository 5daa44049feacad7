/** What the look is told of a refusal. */
import { Problem } from "../../client";
import type { Outcome, Trouble } from "./port";

export function troubleOf(problem: unknown): Trouble {
  if (!(problem instanceof Problem)) throw problem;
  const { field, conflicts_with: conflictsWith } = problem.body;
  return {
    code: problem.code,
    detail: problem.message,
    ...(field === undefined ? {} : { field }),
    ...(conflictsWith === undefined ? {} : { conflictsWith }),
    ...(problem.retryAfter === undefined ? {} : { retryAfterSeconds: problem.retryAfter }),
  };
}

export async function outcome<T>(act: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await act() };
  } catch (problem) {
    return { ok: false, trouble: troubleOf(problem) };
  }
}
