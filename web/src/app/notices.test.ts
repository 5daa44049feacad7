import { expect, test } from "vitest";

import type { Message } from "../../client";
import { mentions, noticeOf } from "./notices";

const direct: Message = { type: "message", id: "m1", to: "ada", seq: 1, sender: "bob", text: "psst", sent_at: "" };
const { to: _, ...rest } = direct;
const inRoom = (text: string): Message => ({ ...rest, room: "r", text });

test("a direct message is told, with who sent it", () => {
  expect(noticeOf(direct, "ada", "")).toEqual({ title: "bob", body: "psst", place: { kind: "person", name: "bob" } });
});

test("in a room only what names one is told", () => {
  expect(noticeOf(inRoom("hi all"), "ada", "Lounge")).toBeNull();
  expect(noticeOf(inRoom("hi @ada"), "ada", "Lounge")).toMatchObject({ title: "bob · Lounge", place: { kind: "room", id: "r" } });
});

test("one's own words and what was removed are not told", () => {
  expect(noticeOf({ ...direct, sender: "ada" }, "ada", "")).toBeNull();
  expect(noticeOf({ ...direct, type: "sent", to: "bob", sender: "ada" }, "ada", "")).toBeNull();
  expect(noticeOf({ type: "gap", inbox: true, first: 1, last: 2, reason: "retention" }, "ada", "")).toBeNull();
});

test("a long text is cut between characters", () => {
  expect(noticeOf({ ...direct, text: "😀".repeat(500) }, "ada", "")?.body).toBe("😀".repeat(160));
});

test.each(["@ada", "hi @Ada!", "(@ada)", "@ada, look", "ask @ada."])("%j names ada", (text) => {
  expect(mentions(text, "ada")).toBe(true);
});

test.each(["ada", "@adam", "@ada-b", "me@ada", "@@ada", "@ada.b"])("%j does not name ada", (text) => {
  expect(mentions(text, "ada")).toBe(false);
});

test("a dot in a name is a dot", () => {
  expect(mentions("@a.b", "a.b")).toBe(true);
  expect(mentions("@axb", "a.b")).toBe(false);
});
