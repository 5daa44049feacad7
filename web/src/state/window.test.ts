import { describe, expect, test } from "vitest";

import type { Removed, Said } from "../app/port";
import { EMPTY, firstSeq, lastSeq, live, MOST, newer, newest, older } from "./window";

const said = (seq: number): Said => ({ kind: "said", seq, id: `m${seq}`, sender: "ada", text: "hi", atMs: 0 });
const removed = (first: number, last: number): Removed => ({ kind: "removed", first, last });
const run = (first: number, last: number): Said[] => Array.from({ length: last - first + 1 }, (_, index) => said(first + index));
const seqs = (window: { readonly entries: readonly (Said | Removed)[] }): number[] =>
  window.entries.map((entry) => (entry.kind === "said" ? entry.seq : entry.last));

test("begins with the newest page, which reaches to the end", () => {
  expect(newest(run(51, 100), true)).toMatchObject({ reachesStart: false, reachesEnd: true });
  expect(newest(run(1, 20), false)).toMatchObject({ reachesStart: true, reachesEnd: true });
});

test("an empty place takes its first message live", () => {
  expect(seqs(live(newest([], false), said(1)))).toEqual([1]);
});

describe("at the beginning", () => {
  test("grows by what comes before, each once", () => {
    const window = older(newest(run(51, 100), true), run(1, 52), false);
    expect(seqs(window)).toEqual(seqs({ entries: run(1, 100) }));
    expect(window.reachesStart).toBe(true);
  });

  test("pays at the end for what is beyond the most, and does not reach it any more", () => {
    const full = newest(run(101, 100 + MOST), true);
    const window = older(full, run(51, 100), true);
    expect(window.entries).toHaveLength(MOST);
    expect([firstSeq(window), lastSeq(window)]).toEqual([51, 50 + MOST]);
    expect(window.reachesEnd).toBe(false);
  });

  test("reaches the end still when there is place for all", () => {
    expect(older(newest(run(51, 100), true), run(1, 50), false).reachesEnd).toBe(true);
  });
});

describe("at the end", () => {
  const cut = older(newest(run(101, 100 + MOST), true), run(51, 100), true);

  test("grows by what follows, and pays at the beginning", () => {
    const window = newer(cut, run(51 + MOST, 100 + MOST), false);
    expect([firstSeq(window), lastSeq(window)]).toEqual([101, 100 + MOST]);
    expect(window).toMatchObject({ reachesStart: false, reachesEnd: true });
  });

  test("does not reach it while more follows", () => {
    expect(newer(cut, run(51 + MOST, 60 + MOST), true).reachesEnd).toBe(false);
  });

  test("takes what comes live, once", () => {
    const window = live(live(newest(run(1, 3), false), said(4)), said(4));
    expect(seqs(window)).toEqual([1, 2, 3, 4]);
  });

  test("takes nothing live where that would leave a hole", () => {
    expect(live(cut, said(101 + MOST))).toBe(cut);
    expect(live(EMPTY, said(1))).toBe(EMPTY);
  });

  test("holds no more than the most, however much comes", () => {
    const window = run(1, 3 * MOST).reduce(live, newest([], false));
    expect(window.entries).toHaveLength(MOST);
    expect([window.reachesStart, window.reachesEnd]).toEqual([false, true]);
    expect(lastSeq(window)).toBe(3 * MOST);
  });
});

test("what was removed has its place like what is there", () => {
  const window = older(newest(run(10, 12), true), [removed(1, 6), said(7), said(8), said(9)], false);
  expect(seqs(window)).toEqual([6, 7, 8, 9, 10, 11, 12]);
  expect(firstSeq(window)).toBe(1);
  expect(lastSeq(live(window, removed(13, 20)))).toBe(20);
});
