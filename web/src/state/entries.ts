/** From the wire to what a timeline shows. */
import type { LogEvent } from "../../client";
import type { Place } from "../app/port";
import { peerOf } from "./places";
import type { Entry } from "./window";

export function entryOf(event: LogEvent): Entry {
  if (event.type === "gap") return { kind: "removed", first: event.first, last: event.last };
  return {
    kind: "said",
    seq: event.seq,
    id: event.id,
    sender: event.sender,
    text: event.text,
    atMs: Date.parse(event.sent_at),
  };
}

/** Whether an event is shown in this place. What was removed of an inbox concerns every conversation. */
export function belongs(event: LogEvent, place: Place, me: string): boolean {
  const room = "room" in event ? event.room : undefined;
  if (place.kind === "room") return room === place.id;
  if (room !== undefined) return false;
  return event.type === "gap" || peerOf(event, me) === place.name;
}
