import { expect, test } from "vitest";

import type { Route } from "./port";
import { hashOf, routeOf } from "./routes";

const ROUTES: readonly Route[] = [
  { at: "start" },
  { at: "settings" },
  { at: "place", place: { kind: "room", id: "gq3m_-X" } },
  { at: "place", place: { kind: "person", name: "a.b_c-d" } },
];

test("an address leads back to where it was made", () => {
  for (const route of ROUTES) expect(routeOf(hashOf(route))).toEqual(route);
});

test("addresses are short and can be read", () => {
  expect(ROUTES.map(hashOf)).toEqual(["#/", "#/settings", "#/room/gq3m_-X", "#/person/a.b_c-d"]);
});

test("a name in an address may be written in capitals", () => {
  expect(routeOf("#/person/Ada")).toEqual({ at: "place", place: { kind: "person", name: "ada" } });
});

test.each([
  "", "#", "#/", "#/room/", "#/room/a b", "#/room/../x", "#/person/%", "#/person/-x", "#/person/%3Cscript%3E", "#/settings/x",
  `#/room/${"x".repeat(65)}`, `#/person/${"x".repeat(33)}`, "#/elsewhere",
])("%j leads to the start", (hash) => {
  expect(routeOf(hash)).toEqual({ at: "start" });
});
