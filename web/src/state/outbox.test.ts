import { describe, expect, test } from "vitest";

import { answered, changed, gone, next, remembered, settled, type Unsent, written } from "./outbox";

const unsent = (key: string, members: Partial<Unsent> = {}): Unsent => ({
  kind: "pending", key, place: "room/r", text: key, atMs: 1, state: "sending", ...members,
});
const keys = (outbox: readonly Unsent[]): string[] => outbox.map((each) => each.key);

test("what is written is kept in its order, each key once", () => {
  const outbox = written(written([unsent("a")], unsent("b")), unsent("a", { text: "other" }));
  expect(keys(outbox)).toEqual(["a", "b"]);
  expect(outbox[0]?.text).toBe("a");
});

describe("what goes out next", () => {
  test("is the first of each place", () => {
    const outbox = [unsent("a"), unsent("b"), unsent("c", { place: "person/bob" })];
    expect(keys(next(outbox))).toEqual(["a", "c"]);
  });

  test("is not what was refused, nor what is stored", () => {
    const outbox = [unsent("a", { state: "failed" }), unsent("b", { seq: 7 }), unsent("c", { state: "waiting" })];
    expect(keys(next(outbox))).toEqual(["c"]);
  });
});

describe("what is stored", () => {
  test("is shown until its own event is, where one looks", () => {
    const outbox = answered([unsent("a"), unsent("b")], "a", 7);
    expect(keys(settled(outbox, "room/r", 6))).toEqual(["a", "b"]);
    expect(keys(settled(outbox, "room/r", 7))).toEqual(["b"]);
  });

  test("is not shown where nobody looks", () => {
    expect(keys(settled([unsent("a", { seq: 7 })], "room/s", 0))).toEqual([]);
    expect(keys(settled([unsent("a", { seq: 7 })], undefined, 0))).toEqual([]);
  });

  test("is nothing that is not stored yet", () => {
    const outbox = [unsent("a")];
    expect(settled(outbox, undefined, 100)).toBe(outbox);
  });
});

test("what is gone is gone, and nothing else is", () => {
  const outbox = [unsent("a"), unsent("b")];
  expect(keys(gone(outbox, "a"))).toEqual(["b"]);
  expect(gone(outbox, "z")).toBe(outbox);
  expect(gone(outbox, undefined)).toBe(outbox);
});

test("trouble goes with the state it belongs to", () => {
  const failed = changed([unsent("a")], "a", "failed", { code: "too-large", detail: "" });
  expect(failed[0]).toMatchObject({ state: "failed", trouble: { code: "too-large" } });
  expect(changed(failed, "a", "sending")[0]).not.toHaveProperty("trouble");
});

describe("what was kept over a reload", () => {
  test("waits to be sent, or is refused still", () => {
    expect(remembered(JSON.stringify(unsent("a")))).toMatchObject({ key: "a", state: "waiting" });
    expect(remembered(JSON.stringify(unsent("a", { state: "failed" })))?.state).toBe("failed");
  });

  test.each(["", "null", "7", "[]", '{"key":"a"}', '{"key":"a","text":"t","atMs":1,"place":"room/r","state":"?"}'])(
    "is left alone when it is %j",
    (text) => expect(remembered(text)).toBeUndefined(),
  );
});
