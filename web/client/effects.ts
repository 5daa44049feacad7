/** What `Line` asks its shell to do. Values only: nothing here does anything. */
import type { LogEvent, LogName, Mark } from "./wire";

export type Transport = "websocket" | "event-stream";

/** Why a log goes on from its head, so that its reader has to read what was missed. */
export type WhyBehind =
  /** More than the wish allowed. */
  | "too-much"
  /** The server was restored from a backup, and its numbers are of another history now. */
  | "another-history"
  /** Something did not come that should have: a bug, of the server's or of what lies between. */
  | "hole";

export interface Begin {
  readonly log: LogName;
  /** The cursor to begin after; absent for the head. */
  readonly after?: string;
}

export type LinePhase =
  | { readonly state: "connecting" }
  | { readonly state: "live"; readonly transport: Transport }
  | { readonly state: "waiting"; readonly seconds: number }
  | { readonly state: "stopped" };

export type Effect =
  /** Open a connection whose address names these logs. A WebSocket under the cookie names none. */
  | { readonly do: "open"; readonly over: Transport; readonly logs: readonly Begin[] }
  | { readonly do: "close" }
  | { readonly do: "send"; readonly frame: object }
  /** Ask by a plain request whether the server would let us listen; no browser tells why an opening failed. */
  | { readonly do: "ask"; readonly logs: readonly Begin[] }
  /** Be woken then, and not at the time that was asked for before. */
  | { readonly do: "wake"; readonly seconds: number }
  | { readonly do: "sleep" }
  | { readonly do: "state"; readonly phase: LinePhase }
  | { readonly do: "greet"; readonly user: string }
  | { readonly do: "event"; readonly event: LogEvent }
  | { readonly do: "mark"; readonly mark: Mark }
  | { readonly do: "head"; readonly log: LogName; readonly head: number }
  | { readonly do: "behind"; readonly log: LogName; readonly why: WhyBehind }
  | { readonly do: "refused"; readonly log: LogName; readonly code: string }
  | { readonly do: "end"; readonly reason: string };

/** How a frame names a log. */
export function named(log: LogName): { readonly inbox: true } | { readonly room: string } {
  return log === "inbox" ? { inbox: true } : { room: log.slice("room/".length) };
}

/** The query of `/subscribe` for these logs. */
export function queryOf(logs: readonly Begin[]): string {
  const asked = new URLSearchParams();
  for (const { log, after } of logs) {
    if (log === "inbox") asked.append("inbox", after ?? "");
    else asked.append("room", after === undefined ? log.slice(5) : `${log.slice(5)}@${after}`);
  }
  return asked.toString();
}
