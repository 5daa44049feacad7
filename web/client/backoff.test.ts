import { expect, test } from "vitest";

import { Backoff } from "./backoff";

test("each failure may wait twice as long as the one before, up to the longest", () => {
  const backoff = new Backoff(() => 1, 0.5, 30);
  expect(Array.from({ length: 9 }, () => backoff.next())).toEqual([0.5, 1, 2, 4, 8, 16, 30, 30, 30]);
});

test("chance spreads the waits between half and the whole", () => {
  expect(new Backoff(() => 0, 2).next()).toBe(1);
  expect(new Backoff(() => 0.5, 2).next()).toBe(1.5);
});

test("a success begins anew with the shortest wait", () => {
  const backoff = new Backoff(() => 1, 0.5, 30);
  backoff.next();
  backoff.next();
  backoff.succeeded();
  expect(backoff.next()).toBe(0.5);
});

test("a thousand failures still wait no longer than the longest", () => {
  const backoff = new Backoff(() => 1, 0.5, 30);
  for (let failure = 0; failure < 1000; failure++) backoff.next();
  expect(backoff.next()).toBe(30);
});
