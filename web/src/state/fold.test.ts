/**
 * Old state and what happened make new state: whatever comes in whatever order, a page ends up with what one
 * that is opened afresh shows, which is what the server holds.
 */
import { describe, expect, test } from "vitest";

import { Browser, type Tab } from "../../test/browser";
import { chanceOf, Clock, Dice } from "../../test/clock";
import { Server } from "../../test/server";
import { MOST } from "./window";

const STEPS = 60;

interface Shown {
  readonly rooms: unknown;
  readonly conversations: unknown;
}

function shownBy({ port }: Tab): Shown {
  return {
    rooms: port.rooms.value.map(({ name, unread }) => ({ name, unread })),
    conversations: port.conversations.value.map(({ name, unread, preview }) => ({ name, unread, preview })),
  };
}

/** The window holds what is stored, without a hole, and reaches where it says it does. */
function expectTrueWindow(tab: Tab, server: Server): void {
  const open = tab.port.timeline.value;
  if (!open) return;
  const stored = open.place.kind === "room" ? server.roomOf(open.place.id).log : server.between("ada", open.place.name);
  const seqs = open.entries.map((each) => (each.kind === "said" ? each.seq : -1));
  const all = stored.map((each) => each.seq);
  const first = seqs[0] === undefined ? 0 : all.indexOf(seqs[0]);
  expect(seqs).toEqual(all.slice(first, first + seqs.length));
  expect(seqs.length).toBeLessThanOrEqual(MOST);
  if (open.reachesEnd) expect(seqs.at(-1)).toBe(all.at(-1));
  if (open.reachesStart) expect(seqs[0]).toBe(all[0]);
  expect(open.pending).toEqual([]);
}

async function play(seed: number): Promise<void> {
  const dice = new Dice(chanceOf(seed * 7919 + 13));
  const clock = new Clock();
  const server = new Server(clock);
  const browser = new Browser(server, clock);
  const people = ["ada", "bob", "cy"];
  server.person(...people);
  const rooms = ["One", "Two", "Three"].map((name) => server.room(name));
  const places = [...rooms.map((room) => ({ room })), { to: "bob" }, { to: "cy" }, { to: "ada" }];
  const hashes = ["#/", ...rooms.map((room) => `#/room/${room}`), "#/person/bob", "#/person/cy"];
  server.latencyMs = () => 1 + dice.below(200);
  for (const room of rooms) for (let at = dice.below(120); at > 0; at--) server.says("bob", { room }, `old ${at}`);
  for (let at = dice.below(80); at > 0; at--) server.says(dice.one(["bob", "cy"]), { to: "ada" }, `old ${at}`);
  if (dice.below(2)) server.mark("ada", `room/${rooms[0]}`, dice.below(server.roomOf(rooms[0] ?? "").log.length + 1));
  const tab = browser.signedIn("ada").tab(dice.one(hashes));

  const steps: readonly (() => void)[] = [
    () => {
      for (let at = dice.below(5); at >= 0; at--) server.says(dice.one(people), dice.one(places), `text ${at}`);
    },
    () => {
      const from = dice.one(["bob", "cy"]);
      server.says(from, { to: "ada" }, `psst from ${from}`);
    },
    () => tab.port.acts.post("mine"),
    () => tab.port.acts.loadOlder(),
    () => tab.port.acts.loadNewer(),
    () => tab.port.acts.jumpToNewest(),
    () => tab.goes(dice.one(hashes)),
    () => {
      const room = dice.one(rooms);
      server.mark("ada", `room/${room}`, dice.below(server.roomOf(room).log.length + 1));
    },
    () => {
      const peer = dice.one(["bob", "cy"]);
      if (server.between("ada", peer).length) server.mark("ada", `user/${peer}`, dice.below(server.inbox("ada").length + 1));
    },
    () => server.unmark("ada", dice.one(rooms)),
    () => {
      const seen = tab.port.timeline.value?.entries;
      const entry = seen?.length ? dice.one(seen) : undefined;
      if (entry?.kind === "said") tab.port.acts.seen(entry.seq);
    },
    () => server.cut(),
    () => {
      server.isDown = !server.isDown;
      if (server.isDown) server.cut();
    },
    () => {
      const room = dice.one(rooms);
      for (let at = 0; at < 520; at++) server.says("bob", { room }, "flood");
    },
    () => {
      server.losesAnswers = !server.losesAnswers;
    },
    () => {
      server.takesSockets = !server.takesSockets;
    },
    () => tab.looks(dice.below(2) === 0),
    () => tab.port.acts.reconnect(),
  ];
  for (let step = 0; step < STEPS; step++) {
    dice.one(steps)();
    await clock.pass(dice.one([0, 0.01, 0.1, 0.5, 3]));
  }
  server.isDown = server.losesAnswers = false;
  server.takesSockets = true;
  tab.looks(true);
  await clock.pass(400);
  tab.looks(true);
  await clock.pass(10);

  expectTrueWindow(tab, server);
  const open = tab.port.timeline.value?.place;
  const fresh = browser.tab("#/");
  await clock.pass(5);
  // A place that is open is listed also when nothing ties one to it.
  const isTied = (name: string): boolean => open === undefined || fresh.port.rooms.value.some((row) => row.name === name) || fresh.port.conversations.value.some((row) => row.name === name);
  const { rooms: shownRooms, conversations } = shownBy(tab) as { rooms: { name: string }[]; conversations: { name: string }[] };
  expect({ rooms: shownRooms.filter((row) => isTied(row.name)), conversations: conversations.filter((row) => isTied(row.name)) }).toEqual(shownBy(fresh));
  expect(shownBy(fresh)).toEqual({
    rooms: server.followed("ada").map(({ name, seq, head }) => ({ name, unread: head - seq })).sort((a, b) => (a.name < b.name ? -1 : 1)),
    conversations: expect.arrayContaining(server.conversations("ada").map(({ user, unread, last }) => ({ name: user, unread, preview: last?.text ?? "" }))),
  });
}

describe("old state and what happened is fresh state", () => {
  test.each(Array.from({ length: Number(process.env["SEEDS"] ?? 60) }, (_, seed) => seed))("however it goes, %i", async (seed) => {
    await play(seed);
  });
});
