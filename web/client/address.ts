/** Which logs an address names: as many as it holds, the inbox and the preferred one first. Pure. */
import type { Cursors } from "./cursors";
import { type Begin, queryOf } from "./effects";
import type { LogName } from "./wire";

/** What the query of an address may hold: proxies often take 8 KB of address in all. */
const ADDRESS_CHARACTERS = 6000;

export class Address {
  /** The log that has to be heard even when not all fit. */
  preferred: LogName | undefined;
  /** The logs that the address of the connection names. */
  logs: readonly LogName[] = [];

  constructor(private readonly cursors: Cursors) {}

  /** Whether it names all there are. */
  get complete(): boolean {
    return this.logs.length === this.cursors.names().length;
  }

  names(log: LogName): boolean {
    return this.logs.includes(log);
  }

  /** For a new connection. */
  fill(): void {
    let size = 0;
    this.logs = this.inOrder().filter((log) => (size += queryOf([this.begin(log)]).length + 1) <= ADDRESS_CHARACTERS);
  }

  begins(): readonly Begin[] {
    return this.logs.map((log) => this.begin(log));
  }

  /** All logs, what has to be heard first. */
  inOrder(): readonly LogName[] {
    const names = this.cursors.names();
    return [...new Set([...names.filter((log) => log === "inbox" || log === this.preferred), ...names])];
  }

  private begin(log: LogName): Begin {
    const after = this.cursors.cursor(log);
    return after === undefined ? { log } : { log, after };
  }
}
