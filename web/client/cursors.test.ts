import { describe, expect, test } from "vitest";

import { Cursors } from "./cursors";
import type { LogEvent } from "./wire";

const said = (seq: number, room = "a"): LogEvent => ({ type: "message", id: `m${seq}`, room, seq, sender: "ada", text: "hi", sent_at: "" });
const removed = (first: number, last: number): LogEvent => ({ type: "gap", room: "a", first, last, reason: "retention" });

function at(after: number | string | undefined, replay?: number): Cursors {
  const cursors = new Cursors();
  cursors.set("room/a", { ...(after === undefined ? {} : { after }), ...(replay === undefined ? {} : { replay }) });
  return cursors;
}

describe("what comes", () => {
  test("is new once, and a repeat from then on", () => {
    const cursors = at(3);
    expect(cursors.take(said(4))).toBe("new");
    expect(cursors.take(said(4))).toBe("repeat");
    expect(cursors.take(said(3))).toBe("repeat");
    expect(cursors.position("room/a")).toBe(4);
  });

  test("is unwanted in a log that nobody listens to", () => {
    expect(at(0).take(said(1, "b"))).toBe("unwanted");
  });

  test("of an older subscription is unwanted until the new one is answered", () => {
    const cursors = at(3);
    cursors.ask("room/a");
    expect(cursors.take(said(9))).toBe("unwanted");
    expect(cursors.subscribed("room/a", 9)).toBe("ready");
    expect(cursors.take(said(4))).toBe("new");
  });

  test("is a hole when something before it is missing", () => {
    expect(at(3).take(said(6))).toBe("hole");
  });

  test("moves past what was removed", () => {
    const cursors = at(3);
    expect(cursors.take(removed(4, 9))).toBe("new");
    expect(cursors.take(said(10))).toBe("new");
    expect(cursors.take(removed(4, 9))).toBe("repeat");
  });

  test("is counted in each log by itself", () => {
    const cursors = at(3);
    cursors.set("room/b", { after: 7 });
    expect(cursors.take(said(8, "b"))).toBe("new");
    expect(cursors.position("room/a")).toBe(3);
  });
});

describe("a subscription that is answered", () => {
  test("without a wish goes on from the head", () => {
    const cursors = at(undefined);
    expect(cursors.cursor("room/a")).toBeUndefined();
    expect(cursors.subscribed("room/a", 12)).toBe("ready");
    expect(cursors.position("room/a")).toBe(12);
  });

  test("replays everything when no bound was wished", () => {
    expect(at(0).subscribed("room/a", 1_000_000)).toBe("ready");
  });

  test("is behind when more was missed than is wanted, and then begins at the head", () => {
    const cursors = at(10, 5);
    expect(cursors.subscribed("room/a", 16)).toBe("behind");
    expect(cursors.cursor("room/a")).toBeUndefined();
  });

  test("is ready when exactly as much was missed as is wanted", () => {
    expect(at(10, 5).subscribed("room/a", 15)).toBe("ready");
  });

  test("stays where a reader stands that has missed nothing", () => {
    const cursors = at(10);
    cursors.subscribed("room/a", 10);
    expect(cursors.position("room/a")).toBe(10);
  });
});

describe("the cursor to come back with", () => {
  test("names the history once that is known", () => {
    const cursors = at(3);
    expect(cursors.cursor("room/a")).toBe("3");
    cursors.epoch = "e1";
    expect(cursors.cursor("room/a")).toBe("e1:3");
  });

  test("may be the server's own, which says the history", () => {
    const cursors = at("e1:15");
    expect(cursors.position("room/a")).toBe(15);
    expect(cursors.epoch).toBe("e1");
  });

  test("is the head after a restart", () => {
    const cursors = at(3);
    cursors.restart("room/a");
    expect(cursors.cursor("room/a")).toBeUndefined();
  });

  test.each([-1, 1.5, "e1:x", NaN])("cannot be %s", (after) => {
    expect(() => at(after)).toThrow(RangeError);
  });
});
