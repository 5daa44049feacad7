/**
 * Which transport to take. A WebSocket, unless none comes through: then an event stream, from which a WebSocket is
 * tried again now and then. Pure.
 */
import type { Transport } from "./effects";

/** Openings in a row that failed while the server answered otherwise: WebSockets do not come through. */
const BLOCKED_AFTER = 2;
/** How long an event stream is kept before a WebSocket is tried again. */
const STREAM_SECONDS = 300;

export class Way {
  private blocked = 0;
  private streamedSeconds = 0;

  constructor(private readonly transports: readonly Transport[]) {}

  get next(): Transport {
    const isBlocked = this.blocked >= BLOCKED_AFTER || !this.has("websocket");
    return isBlocked && this.has("event-stream") ? "event-stream" : "websocket";
  }

  opened(over: Transport): void {
    if (over === "websocket") this.blocked = 0;
    else this.streamedSeconds = 0;
  }

  /** It did not open, and nothing of the server's stands in the way. Whether another way is to be taken at once. */
  failed(over: Transport): boolean {
    this.blocked = over === "websocket" ? this.blocked + 1 : 0;
    return this.blocked === BLOCKED_AFTER && this.has("event-stream");
  }

  /** An event stream has lasted for so much longer. Whether it is time to try a WebSocket again. */
  streamed(seconds: number): boolean {
    this.streamedSeconds += seconds;
    if (this.streamedSeconds < STREAM_SECONDS || !this.has("websocket")) return false;
    this.blocked = BLOCKED_AFTER - 1; // a single failure leads back
    return true;
  }

  private has(transport: Transport): boolean {
    return this.transports.includes(transport);
  }
}
