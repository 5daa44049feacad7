import { expect, test } from "vitest";

import { followed, nobody, roomKnown, spoken } from "./places";
import { conversationRows, roomRows, titleOf, totalUnread } from "./rows";

const NONE: ReadonlySet<never> = new Set();
const last = (seq: number, text: string, sent_at: string) => ({ type: "message", id: `m${seq}`, to: "ada", seq, sender: "bob", text, sent_at }) as const;
const places = spoken(
  roomKnown(
    followed(nobody("ada"), [
      { room: "r", name: "Zoo", seq: 2, head: 5 },
      { room: "s", name: "attic", seq: 1, head: 1 },
    ]),
    { id: "t", name: "Only seen", head: 9 },
  ),
  [
    { user: "bob", seq: 0, unread: 2, last: last(4, "  hello\n\nyou ", "2026-01-01T00:00:00.000Z") },
    { user: "eve", seq: 0, unread: 0, last: { ...last(7, "x".repeat(200), "2026-01-02T00:00:00.000Z"), sender: "eve" } },
  ],
);

test("rooms that are followed stand in the order of their names, and the open one among them", () => {
  expect(roomRows(places, NONE).map((row) => [row.name, row.unread])).toEqual([["attic", 0], ["Zoo", 3]]);
  expect(roomRows(places, NONE, { kind: "room", id: "t" }).map((row) => row.name)).toEqual(["attic", "Only seen", "Zoo"]);
});

test("conversations stand with the newest first, and begin with what was said last", () => {
  const rows = conversationRows(places, NONE);
  expect(rows.map((row) => row.name)).toEqual(["eve", "bob"]);
  expect(rows[1]).toMatchObject({ unread: 2, preview: "hello you" });
  expect(rows[0]?.preview).toHaveLength(80);
});

test("a conversation that is open and not begun stands first", () => {
  expect(conversationRows(places, NONE, { kind: "person", name: "carl" })[0]).toMatchObject({ name: "carl", unread: 0, preview: "" });
  expect(conversationRows(places, NONE, { kind: "person", name: "bob" })).toHaveLength(2);
});

test("a text that was begun is told", () => {
  expect(roomRows(places, new Set(["room/r"] as const)).map((row) => row.draft)).toEqual([false, true]);
});

test("the title counts all that is unread", () => {
  expect(totalUnread(roomRows(places, NONE), conversationRows(places, NONE))).toBe(5);
  expect(titleOf(5, "Zoo")).toBe("(5) Zoo · hubbub");
  expect(titleOf(0, "Zoo")).toBe("Zoo · hubbub");
  expect(titleOf(0, "")).toBe("hubbub");
  expect(titleOf(1000, "")).toBe("(999+) hubbub");
});
