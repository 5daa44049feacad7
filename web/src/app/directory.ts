/** Finding rooms and people by what somebody types. */
import type { Client, RoomBody } from "../../client";
import type { Places } from "../state/places";
import type { Room } from "./port";

const PAGE = 500;
/** All of a server with some thousand rooms; beyond that, the beginning of a name finds the rest. */
const PAGES = 4;
const PEOPLE = 200;

export function roomOf(room: RoomBody, places: Places | undefined): Room {
  return {
    id: room.id,
    name: room.name,
    createdBy: room.created_by,
    createdAtMs: Date.parse(room.created_at),
    head: room.head,
    followed: places?.rooms.get(room.id)?.mark !== undefined,
  };
}

/** The server finds names by their beginning; among those that are followed any part is found. */
export async function findRooms(client: Client, words: string, places: () => Places | undefined): Promise<readonly Room[]> {
  const wanted = words.trim();
  const found: RoomBody[] = [];
  for (let page = 0; page < PAGES; page++) {
    const { items, more } = await client.rooms({ prefix: wanted, after: found.at(-1)?.id ?? "", limit: PAGE });
    found.push(...items);
    if (!more || items.length === 0) break;
  }
  const known = places();
  return [...found.map((room) => roomOf(room, known)), ...followedWith(wanted, found, known)];
}

function followedWith(wanted: string, found: readonly RoomBody[], places: Places | undefined): readonly Room[] {
  const folded = wanted.toLowerCase();
  const ids = new Set(found.map((room) => room.id));
  return [...(places?.rooms.values() ?? [])]
    .filter((room) => room.mark !== undefined && !ids.has(room.id) && room.name.toLowerCase().includes(folded))
    .map((room) => ({ id: room.id, name: room.name, createdBy: "", createdAtMs: 0, head: room.head, followed: true }));
}

export async function findPeople(client: Client, words: string): Promise<readonly string[]> {
  const prefix = words.trim().toLowerCase();
  if (prefix !== "" && !/^[a-z0-9._-]{1,32}$/.test(prefix)) return []; // can be nobody's name
  return (await client.people({ prefix, limit: PEOPLE })).items.map((person) => person.name);
}
