/** What goes over the wire, as docs/protocol.md has it. Times are RFC 3339 texts, for people only. */

export interface Message {
  readonly type: "message";
  readonly id: string;
  readonly room?: string;
  readonly to?: string;
  readonly seq: number;
  readonly sender: string;
  readonly text: string;
  readonly sent_at: string;
  readonly key?: string;
}

/** In one's own inbox: the copy of what one posted to somebody. */
export interface Sent {
  readonly type: "sent";
  readonly id: string;
  readonly to: string;
  readonly seq: number;
  readonly sender: string;
  readonly text: string;
  readonly sent_at: string;
  readonly key?: string;
}

/** The events `first` to `last` were removed. */
export interface Gap {
  readonly type: "gap";
  readonly room?: string;
  readonly inbox?: boolean;
  readonly first: number;
  readonly last: number;
  readonly reason: string;
}

/** How far the user has read, told in passing; without `seq` the room is not followed any more. */
export interface Mark {
  readonly type: "mark";
  readonly room?: string;
  readonly user?: string;
  readonly seq?: number;
}

export interface Bye {
  readonly type: "bye";
  readonly reason: string;
  readonly retry_after?: number;
}

/** An entry of a log. */
export type LogEvent = Message | Sent | Gap;

export interface Hello {
  readonly type: "hello";
  readonly user: string;
  readonly epoch: string;
  readonly ping_seconds: number;
  readonly max_text_bytes: number;
}

export type Ref = string | number;

export interface Subscribed {
  readonly type: "subscribed";
  readonly ref?: Ref;
  readonly room?: string;
  readonly inbox?: boolean;
  readonly head: number;
}

export interface Unsubscribed {
  readonly type: "unsubscribed";
  readonly ref?: Ref;
  readonly room?: string;
  readonly inbox?: boolean;
}

export interface ErrorFrame {
  readonly type: "error";
  readonly ref?: Ref;
  readonly status: number;
  readonly problem: string;
  readonly title: string;
  readonly detail?: string;
  readonly retry_after?: number;
}

export type ServerFrame = LogEvent | Mark | Bye | Hello | Subscribed | Unsubscribed | ErrorFrame;

export interface RoomBody {
  readonly id: string;
  readonly name: string;
  readonly created_at: string;
  readonly created_by: string;
  readonly head: number;
}

export interface UserBody {
  readonly name: string;
  readonly created_at: string;
}

export interface SessionBody {
  readonly id: string;
  readonly user: string;
  readonly created_at: string;
  readonly expires_at: string;
  readonly agent: string;
  readonly current: boolean;
}

export interface SignedIn {
  readonly token?: string;
  readonly id: string;
  readonly user: string;
  readonly expires_at: string;
}

/** How far the user has read in a room that is followed, and where the room ends. */
export interface RoomMark {
  readonly room: string;
  readonly name: string;
  readonly seq: number;
  readonly head: number;
}

export interface Conversation {
  readonly user: string;
  /** What was read, as a seq of one's own inbox; 0 when there is no mark. */
  readonly seq: number;
  readonly unread: number;
  readonly last: Message | Sent;
}

/** RFC 9457. */
export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly field?: string;
  readonly conflicts_with?: string;
  readonly retry_after?: number;
  readonly head?: number;
}

/** A log by name: `inbox`, or `room/ID`. */
export type LogName = "inbox" | `room/${string}`;

export function logOf(event: LogEvent | Subscribed): LogName {
  return "room" in event && event.room !== undefined ? `room/${event.room}` : "inbox";
}

export function isLogEvent(frame: { readonly type: string }): frame is LogEvent {
  return frame.type === "message" || frame.type === "sent" || frame.type === "gap";
}

/** Where a reader stands after this event. */
export function positionAfter(event: LogEvent): number {
  return event.type === "gap" ? event.last : event.seq;
}
