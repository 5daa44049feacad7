/**
 * A window of a place's messages: a run without holes, grown at either end and cut at the other.
 *
 * A room of a hundred thousand messages is never held whole. What is added at one end beyond `MOST` is paid for
 * at the other, and what was cut there is read again when somebody comes near. Pure.
 */
import type { Removed, Said } from "../app/port";

export type Entry = Said | Removed;

export interface Window {
  readonly entries: readonly Entry[];
  readonly reachesStart: boolean;
  readonly reachesEnd: boolean;
}

/** Some screens in both directions, and far less than would be felt. */
export const MOST = 600;

export const EMPTY: Window = { entries: [], reachesStart: false, reachesEnd: false };

export function lastOf(entry: Entry): number {
  return entry.kind === "said" ? entry.seq : entry.last;
}

export function firstOf(entry: Entry): number {
  return entry.kind === "said" ? entry.seq : entry.first;
}

export function firstSeq(window: Window): number | undefined {
  const entry = window.entries[0];
  return entry && firstOf(entry);
}

export function lastSeq(window: Window): number | undefined {
  const entry = window.entries.at(-1);
  return entry && lastOf(entry);
}

/** The newest page: where reading begins. */
export function newest(page: readonly Entry[], more: boolean): Window {
  return { entries: page, reachesStart: !more, reachesEnd: true };
}

/** A page that begins after some seq, in the middle. */
export function older(window: Window, page: readonly Entry[], more: boolean): Window {
  const first = firstSeq(window) ?? Infinity;
  const added = page.filter((entry) => lastOf(entry) < first);
  const entries = [...added, ...window.entries];
  return {
    entries: entries.slice(0, MOST),
    reachesStart: !more,
    reachesEnd: window.reachesEnd && entries.length <= MOST,
  };
}

/** What follows the window, read as a page. */
export function newer(window: Window, page: readonly Entry[], more: boolean): Window {
  const last = lastSeq(window) ?? 0;
  const entries = [...window.entries, ...page.filter((entry) => firstOf(entry) > last)];
  return {
    entries: entries.slice(-MOST),
    reachesStart: window.reachesStart && entries.length <= MOST,
    reachesEnd: !more,
  };
}

/** What came live. It belongs here only when the window reaches to the end. */
export function live(window: Window, entry: Entry): Window {
  if (!window.reachesEnd || lastOf(entry) <= (lastSeq(window) ?? 0)) return window;
  return newer(window, [entry], false);
}
