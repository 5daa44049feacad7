import { expect, test } from "vitest";

import type { Gap, Message, Sent } from "../../client";
import { belongs, entryOf } from "./entries";

const inRoom: Message = { type: "message", id: "m1", room: "r", seq: 3, sender: "bob", text: "hi", sent_at: "2026-01-31T09:30:00.125Z" };
const toMe: Message = { type: "message", id: "m2", to: "ada", seq: 4, sender: "bob", text: "psst", sent_at: "" };
const fromMe: Sent = { type: "sent", id: "m3", to: "bob", seq: 5, sender: "ada", text: "yes?", sent_at: "" };
const gap: Gap = { type: "gap", inbox: true, first: 1, last: 2, reason: "retention" };
const bob = { kind: "person", name: "bob" } as const;
const room = { kind: "room", id: "r" } as const;

test("a message is shown with its number, its time and who said it", () => {
  expect(entryOf(inRoom)).toEqual({ kind: "said", seq: 3, id: "m1", sender: "bob", text: "hi", atMs: Date.UTC(2026, 0, 31, 9, 30, 0, 125) });
});

test("what was removed is shown as removed", () => {
  expect(entryOf(gap)).toEqual({ kind: "removed", first: 1, last: 2 });
});

test("a room shows what was posted to it, and nothing else", () => {
  expect([inRoom, toMe, fromMe, gap].map((event) => belongs(event, room, "ada"))).toEqual([true, false, false, false]);
  expect(belongs(inRoom, { kind: "room", id: "s" }, "ada")).toBe(false);
  expect(belongs({ type: "gap", room: "r", first: 1, last: 2, reason: "retention" }, room, "ada")).toBe(true);
});

test("a conversation shows both sides of it, and that something was removed", () => {
  expect([inRoom, toMe, fromMe, gap].map((event) => belongs(event, bob, "ada"))).toEqual([false, true, true, true]);
  expect(belongs(toMe, { kind: "person", name: "eve" }, "ada")).toBe(false);
});

test("what one posts to oneself is in the conversation with oneself", () => {
  const note: Message = { ...toMe, sender: "ada" };
  expect(belongs(note, { kind: "person", name: "ada" }, "ada")).toBe(true);
  expect(belongs(note, bob, "ada")).toBe(false);
});
