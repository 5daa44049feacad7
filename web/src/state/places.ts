/**
 * What is known of all places: who is talked to, what is followed, how much of it is unread.
 *
 * Old state and events make new state; what the server says afresh (`followed`, `spoken`) replaces what events
 * led to, and the two agree. Pure.
 */
import type { Conversation, LogEvent, Mark, Message, RoomMark, Sent } from "../../client";
import type { Place } from "../app/port";

export type PlaceKey = `room/${string}` | `person/${string}`;

export function keyOf(place: Place): PlaceKey {
  return place.kind === "room" ? `room/${place.id}` : `person/${place.name}`;
}

export function placeOf(key: string): Place | null {
  const [kind, ...rest] = key.split("/");
  const name = rest.join("/");
  if (!name) return null;
  if (kind === "room") return { kind: "room", id: name };
  if (kind === "person") return { kind: "person", name };
  return null;
}

export interface KnownRoom {
  readonly id: string;
  readonly name: string;
  readonly head: number;
  /** What was read; undefined when the room is not followed. */
  readonly mark: number | undefined;
}

export interface KnownPerson {
  readonly name: string;
  readonly mark: number;
  /** The seqs in one's own inbox of what came from there and was not read, as far as they are known. */
  readonly unread: readonly number[];
  /** Of those, how many more the server counted without naming them: all older than `unread`. */
  readonly uncounted: number;
  readonly last: Message | Sent | undefined;
}

export interface Places {
  readonly me: string;
  readonly rooms: ReadonlyMap<string, KnownRoom>;
  readonly people: ReadonlyMap<string, KnownPerson>;
}

export function nobody(me: string): Places {
  return { me, rooms: new Map(), people: new Map() };
}

// -- what the server says afresh --------------------------------------------

/** All rooms that are followed: those not named are not followed any more. */
export function followed(places: Places, marks: readonly RoomMark[]): Places {
  const rooms = new Map<string, KnownRoom>();
  for (const room of places.rooms.values()) rooms.set(room.id, { ...room, mark: undefined });
  for (const { room: id, name, seq, head } of marks) {
    const known = places.rooms.get(id);
    rooms.set(id, {
      id,
      name,
      head: Math.max(head, known?.head ?? 0),
      mark: Math.max(seq, known?.mark ?? 0),
    });
  }
  return { ...places, rooms };
}

export function spoken(places: Places, conversations: readonly Conversation[]): Places {
  const people = new Map(places.people);
  for (const { user: name, seq, unread, last } of conversations) {
    const known = places.people.get(name);
    const newerSeqs = (known?.unread ?? []).filter((each) => each > last.seq);
    const mark = Math.max(seq, known?.mark ?? 0);
    people.set(name, {
      name,
      mark,
      unread: newerSeqs,
      uncounted: mark > seq && mark >= last.seq ? 0 : unread,
      last: known?.last && known.last.seq > last.seq ? known.last : last,
    });
  }
  return { ...places, people };
}

export function roomKnown(places: Places, room: { readonly id: string; readonly name: string; readonly head: number }): Places {
  const known = places.rooms.get(room.id);
  return withRoom(places, {
    id: room.id,
    name: room.name,
    head: Math.max(room.head, known?.head ?? 0),
    mark: known?.mark,
  });
}

/** Where a room ends, as a subscription tells it. */
export function headKnown(places: Places, id: string, head: number): Places {
  const room = places.rooms.get(id);
  return room && head > room.head ? withRoom(places, { ...room, head }) : places;
}

// -- events -----------------------------------------------------------------

export function happened(places: Places, event: LogEvent): Places {
  if (event.type === "gap") return places;
  if (event.type === "message" && event.room !== undefined) {
    const room = places.rooms.get(event.room);
    if (!room || event.seq <= room.head) return places;
    // One's own words are read by whoever had read all before them.
    const read = event.sender === places.me && room.mark !== undefined && room.mark >= event.seq - 1;
    return withRoom(places, { ...room, head: event.seq, mark: read ? event.seq : room.mark });
  }
  const name = peerOf(event, places.me);
  const person = places.people.get(name) ?? stranger(name);
  if (person.last && event.seq <= person.last.seq) return places;
  const own = event.type === "sent" || event.sender === places.me;
  const unread = own || event.seq <= person.mark ? person.unread : [...person.unread, event.seq].slice(-1000);
  return withPerson(places, { ...person, last: event, unread });
}

/** With whom a direct message is: the other one, or oneself. */
export function peerOf(event: Message | Sent, me: string): string {
  return event.type === "sent" ? event.to : event.sender === me ? (event.to ?? me) : event.sender;
}

/** A mark moved, here or elsewhere. It only goes forward, but for its end. */
export function marked(places: Places, mark: Mark): Places {
  if (mark.room !== undefined) {
    const room = places.rooms.get(mark.room);
    if (!room) return places;
    const seq = mark.seq === undefined ? undefined : Math.max(mark.seq, room.mark ?? 0);
    return withRoom(places, { ...room, mark: seq, head: Math.max(room.head, seq ?? 0) });
  }
  if (mark.user !== undefined && mark.seq !== undefined) {
    const person = places.people.get(mark.user) ?? stranger(mark.user);
    const seq = Math.max(mark.seq, person.mark);
    const unread = person.unread.filter((each) => each > seq);
    // What was counted without being named is older than all that is named, and is read when one of those is.
    const all = unread.length < person.unread.length || seq >= (person.last?.seq ?? 0);
    return withPerson(places, { ...person, mark: seq, unread, uncounted: all ? 0 : person.uncounted });
  }
  return places;
}

// -- what is shown ----------------------------------------------------------

export function unreadIn(places: Places, place: Place): number {
  if (place.kind === "room") {
    const room = places.rooms.get(place.id);
    return room?.mark === undefined ? 0 : Math.max(0, room.head - room.mark);
  }
  const person = places.people.get(place.name);
  return person ? person.unread.length + person.uncounted : 0;
}

export function markOf(places: Places, place: Place): number | undefined {
  return place.kind === "room" ? places.rooms.get(place.id)?.mark : places.people.get(place.name)?.mark;
}

function stranger(name: string): KnownPerson {
  return { name, mark: 0, unread: [], uncounted: 0, last: undefined };
}

function withRoom(places: Places, room: KnownRoom): Places {
  return { ...places, rooms: new Map(places.rooms).set(room.id, room) };
}

function withPerson(places: Places, person: KnownPerson): Places {
  return { ...places, people: new Map(places.people).set(person.name, person) };
}
