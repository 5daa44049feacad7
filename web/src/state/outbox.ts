/**
 * What was written and is not stored yet, as far as this page knows. In each place it goes out in the order in
 * which it was written: one at a time, so that a retry never overtakes. Pure.
 */
import type { Pending, Trouble } from "../app/port";
import type { PlaceKey } from "./places";

export interface Unsent extends Pending {
  readonly place: PlaceKey;
  /** Its seq, once it is stored: it is shown until its own event has come, and sent no more. */
  readonly seq?: number;
}

export type Outbox = readonly Unsent[];

export function written(outbox: Outbox, unsent: Unsent): Outbox {
  return outbox.some((each) => each.key === unsent.key) ? outbox : [...outbox, unsent];
}

/** The server has it. */
export function answered(outbox: Outbox, key: string, seq: number): Outbox {
  return outbox.map((each) => (each.key === key ? { ...each, seq } : each));
}

/** What is stored and can be read in the window by now, or is of another place, need not be shown any more. */
export function settled(outbox: Outbox, place: PlaceKey | undefined, shownUpTo: number): Outbox {
  const left = outbox.filter((each) => each.seq === undefined || (each.place === place && each.seq > shownUpTo));
  return left.length === outbox.length ? outbox : left;
}

/** Its own event has come, or it is given up. */
export function gone(outbox: Outbox, key: string | undefined): Outbox {
  return key !== undefined && outbox.some((each) => each.key === key) ? outbox.filter((each) => each.key !== key) : outbox;
}

export function changed(outbox: Outbox, key: string, state: Pending["state"], trouble?: Trouble): Outbox {
  return outbox.map((each) => {
    if (each.key !== key) return each;
    const { trouble: _, ...rest } = each;
    return { ...rest, state, ...(trouble ? { trouble } : {}) };
  });
}

/** All of a place is held up, or goes on: what stands behind the first waits with it. */
export function held(outbox: Outbox, place: PlaceKey, state: "sending" | "waiting"): Outbox {
  return outbox.map((each) =>
    each.place === place && each.state !== "failed" && each.state !== state && each.seq === undefined ? { ...each, state } : each,
  );
}

/** What goes out next in each place: the first of it that has not failed. */
export function next(outbox: Outbox): readonly Unsent[] {
  const seen = new Set<PlaceKey>();
  return outbox.filter((each) => {
    if (each.state === "failed" || each.seq !== undefined || seen.has(each.place)) return false;
    seen.add(each.place);
    return true;
  });
}

/** One text that was kept over a reload, as it was written down; undefined when it is not understood. */
export function remembered(text: string): Unsent | undefined {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isUnsent(found)) return undefined;
  return found.state === "failed" ? found : { ...found, state: "waiting" };
}

function isUnsent(each: unknown): each is Unsent {
  const unsent = each as Partial<Unsent> | null;
  return (
    typeof unsent === "object" &&
    unsent !== null &&
    typeof unsent.key === "string" &&
    typeof unsent.text === "string" &&
    typeof unsent.atMs === "number" &&
    typeof unsent.place === "string" &&
    (unsent.state === "sending" || unsent.state === "waiting" || unsent.state === "failed")
  );
}
