/** Notices on the desktop, for who asked for them: of what concerns one directly, while nobody looks. */
import type { LogEvent } from "../../client";
import type { Place } from "./port";

export interface Notice {
  readonly title: string;
  readonly body: string;
  readonly place: Place;
}

const BODY_CHARACTERS = 160;

/** Direct messages, and messages in rooms that name one: `@ada`. Pure. */
export function noticeOf(event: LogEvent, me: string, roomName: string): Notice | null {
  if (event.type !== "message" || event.sender === me) return null;
  const body = [...event.text].slice(0, BODY_CHARACTERS).join("");
  if (event.room === undefined) return { title: event.sender, body, place: { kind: "person", name: event.sender } };
  if (!mentions(event.text, me)) return null;
  return { title: `${event.sender} · ${roomName}`, body, place: { kind: "room", id: event.room } };
}

export function mentions(text: string, name: string): boolean {
  const named = name.replace(/[.\\-]/g, "\\$&");
  return new RegExp(`(^|[^a-z0-9._@-])@${named}(?![a-z0-9_-])`, "i").test(text);
}
