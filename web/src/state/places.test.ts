import { describe, expect, test } from "vitest";

import type { LogEvent, Message, Sent } from "../../client";
import { followed, happened, headKnown, keyOf, marked, markOf, nobody, placeOf, type Places, roomKnown, spoken, unreadIn } from "./places";

const room = { kind: "room", id: "r" } as const;
const bob = { kind: "person", name: "bob" } as const;
const inRoom = (seq: number, sender = "bob"): Message => ({ type: "message", id: `r${seq}`, room: "r", seq, sender, text: "hi", sent_at: "" });
const fromBob = (seq: number): Message => ({ type: "message", id: `i${seq}`, to: "ada", seq, sender: "bob", text: "psst", sent_at: "" });
const toBob = (seq: number): Sent => ({ type: "sent", id: `i${seq}`, to: "bob", seq, sender: "ada", text: "yes?", sent_at: "" });
const following = (seq: number, head: number): Places => followed(nobody("ada"), [{ room: "r", name: "Lounge", seq, head }]);
const after = (places: Places, ...events: LogEvent[]): Places => events.reduce(happened, places);

describe("in a room that is followed", () => {
  test("what comes is unread, once", () => {
    expect(unreadIn(after(following(5, 5), inRoom(6), inRoom(7), inRoom(7)), room)).toBe(2);
  });

  test("a mark reads up to it, and never goes back", () => {
    const read = marked(after(following(5, 5), inRoom(6), inRoom(7)), { type: "mark", room: "r", seq: 6 });
    expect(unreadIn(read, room)).toBe(1);
    expect(unreadIn(marked(read, { type: "mark", room: "r", seq: 2 }), room)).toBe(1);
  });

  test("a mark beyond what is known says that there is more, and that it was read", () => {
    const read = marked(following(5, 5), { type: "mark", room: "r", seq: 9 });
    expect([unreadIn(read, room), unreadIn(after(read, inRoom(9)), room)]).toEqual([0, 0]);
  });

  test("one's own words are read when all before them was", () => {
    expect(unreadIn(after(following(5, 5), inRoom(6, "ada")), room)).toBe(0);
    expect(unreadIn(after(following(5, 5), inRoom(6), inRoom(7, "ada")), room)).toBe(2);
  });

  test("a head that is told counts what was not seen", () => {
    expect(unreadIn(headKnown(following(5, 5), "r", 500), room)).toBe(495);
    expect(unreadIn(headKnown(following(5, 8), "r", 6), room)).toBe(3);
  });

  test("nothing is unread any more once it is not followed", () => {
    const left = marked(following(5, 9), { type: "mark", room: "r" });
    expect([unreadIn(left, room), markOf(left, room)]).toEqual([0, undefined]);
    expect(markOf(followed(following(5, 9), []), room)).toBeUndefined();
  });

  test("what the server says afresh takes nothing back that moved while it was asked", () => {
    const known = marked(after(following(5, 5), inRoom(6), inRoom(7)), { type: "mark", room: "r", seq: 6 });
    const answer = [{ room: "r", name: "Lounge", seq: 5, head: 6 }];
    const fresh = followed(known, answer, new Set(["room/r" as const]));
    expect([markOf(fresh, room), unreadIn(fresh, room)]).toEqual([6, 1]);
    const left = marked(known, { type: "mark", room: "r" });
    expect(markOf(followed(left, answer, new Set(["room/r" as const])), room)).toBeUndefined();
  });

  test("what the server says afresh holds for what did not move, also when it is less", () => {
    const known = marked(following(5, 9), { type: "mark", room: "r", seq: 8 });
    const fresh = followed(known, [{ room: "r", name: "Lounge", seq: 2, head: 9 }]);
    expect([markOf(fresh, room), unreadIn(fresh, room)]).toEqual([2, 7]);
  });
});

test("a room that is only looked at has nothing unread", () => {
  const seen = roomKnown(nobody("ada"), { id: "r", name: "Lounge", head: 9 });
  expect([unreadIn(seen, room), markOf(seen, room)]).toEqual([0, undefined]);
  expect(markOf(roomKnown(following(5, 9), { id: "r", name: "Bar", head: 7 }), room)).toBe(5);
});

describe("in a conversation", () => {
  const counted = spoken(nobody("ada"), [{ user: "bob", seq: 0, unread: 3, last: fromBob(8) }]);

  test("what the other one says is unread, and one's own words are not", () => {
    expect(unreadIn(after(nobody("ada"), fromBob(1), toBob(2), fromBob(3)), bob)).toBe(2);
  });

  test("what the server counted and what came since add up", () => {
    expect(unreadIn(after(counted, fromBob(8), fromBob(11)), bob)).toBe(4);
  });

  test("a mark at the newest reads all, and one at what came since reads what was counted", () => {
    expect(unreadIn(marked(counted, { type: "mark", user: "bob", seq: 8 }), bob)).toBe(0);
    const more = after(counted, fromBob(11), fromBob(12));
    expect(unreadIn(marked(more, { type: "mark", user: "bob", seq: 11 }), bob)).toBe(1);
  });

  test("a mark never goes back", () => {
    const read = marked(after(nobody("ada"), fromBob(1), fromBob(2)), { type: "mark", user: "bob", seq: 2 });
    expect(unreadIn(marked(read, { type: "mark", user: "bob", seq: 1 }), bob)).toBe(0);
    expect(markOf(marked(read, { type: "mark", user: "bob", seq: 1 }), bob)).toBe(2);
  });

  test("with somebody new begins with the first word", () => {
    expect(after(nobody("ada"), toBob(1)).people.get("bob")?.last?.seq).toBe(1);
  });

  test("an answer that was on its way takes nothing back", () => {
    const known = after(counted, fromBob(11));
    const fresh = spoken(known, [{ user: "bob", seq: 0, unread: 3, last: fromBob(8) }]);
    expect(unreadIn(fresh, bob)).toBe(4);
    expect(fresh.people.get("bob")?.last?.seq).toBe(11);
  });

  test("with oneself is never unread", () => {
    const note: Message = { ...fromBob(1), sender: "ada" };
    expect(unreadIn(after(nobody("ada"), note), { kind: "person", name: "ada" })).toBe(0);
  });
});

test("a place and its key say the same", () => {
  for (const place of [room, bob]) expect(placeOf(keyOf(place))).toEqual(place);
  for (const key of ["", "room", "room/", "other/x"]) expect(placeOf(key)).toBeNull();
});
