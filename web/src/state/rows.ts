/** What the navigation shows, and the page's title. Pure. */
import type { Place, Row } from "../app/port";
import type { Places, PlaceKey } from "./places";
import { keyOf, unreadIn } from "./places";

const PREVIEW_CHARACTERS = 80;

export function roomRows(places: Places, drafts: ReadonlySet<PlaceKey>, open?: Place): readonly Row[] {
  const rows: Row[] = [];
  for (const room of places.rooms.values()) {
    const isOpen = open?.kind === "room" && open.id === room.id;
    if (room.mark === undefined && !isOpen) continue;
    const place: Place = { kind: "room", id: room.id };
    rows.push({
      place,
      name: room.name,
      unread: unreadIn(places, place),
      lastAtMs: 0,
      preview: "",
      draft: drafts.has(keyOf(place)),
    });
  }
  return rows.sort((a, b) => a.name.localeCompare(b.name));
}

export function conversationRows(places: Places, drafts: ReadonlySet<PlaceKey>, open?: Place): readonly Row[] {
  const rows: Row[] = [];
  for (const person of places.people.values()) {
    const place: Place = { kind: "person", name: person.name };
    rows.push({
      place,
      name: person.name,
      unread: unreadIn(places, place),
      lastAtMs: person.last ? Date.parse(person.last.sent_at) : 0,
      preview: person.last ? oneLine(person.last.text) : "",
      draft: drafts.has(keyOf(place)),
    });
  }
  if (open?.kind === "person" && !places.people.has(open.name)) {
    rows.push({ place: open, name: open.name, unread: 0, lastAtMs: Infinity, preview: "", draft: false });
  }
  return rows.sort((a, b) => b.lastAtMs - a.lastAtMs || a.name.localeCompare(b.name));
}

export function totalUnread(...lists: readonly (readonly Row[])[]): number {
  return lists.flat().reduce((sum, row) => sum + row.unread, 0);
}

export function titleOf(unread: number, name: string): string {
  const where = name ? `${name} · hubbub` : "hubbub";
  return unread ? `(${unread > 999 ? "999+" : unread}) ${where}` : where;
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return [...line].slice(0, PREVIEW_CHARACTERS).join("");
}
