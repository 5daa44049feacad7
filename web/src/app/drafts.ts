/** What was begun and not sent, in each place: kept under the user's name, over reloads and sign-outs. */
import { batch, signal } from "@preact/signals";

import { type PlaceKey, placeOf } from "../state/places";
import type { Memory } from "./memory";

export class Drafts {
  /** Where something was begun. */
  readonly places = signal<ReadonlySet<PlaceKey>>(new Set());
  /** The draft of the open place. */
  readonly open = signal("");
  private openKey: PlaceKey | undefined;

  constructor(
    private readonly memory: Memory,
    private readonly user: string,
  ) {
    this.places.value = new Set(memory.names(this.name("")).filter((key) => placeOf(key)) as PlaceKey[]);
  }

  private name(key: string): string {
    return `${this.user}:draft:${key}`;
  }

  arrive(key: PlaceKey | undefined): void {
    this.openKey = key;
    this.open.value = (key && this.memory.get(this.name(key))) ?? "";
  }

  write(text: string): void {
    const key = this.openKey;
    if (!key) return;
    if (text === "") this.memory.delete(this.name(key));
    else this.memory.set(this.name(key), text);
    batch(() => {
      this.open.value = text;
      this.note(key, text !== "");
    });
  }

  /** Another tab has written under this name. The open draft is left alone: somebody is typing here. */
  written(name: string, text: string | null): void {
    const beginning = this.name("");
    const key = name.startsWith(beginning) ? name.slice(beginning.length) : "";
    if (placeOf(key)) this.note(key as PlaceKey, !!text);
  }

  private note(key: PlaceKey, isBegun: boolean): void {
    if (this.places.value.has(key) === isBegun) return;
    const places = new Set(this.places.value);
    if (isBegun) places.add(key);
    else places.delete(key);
    this.places.value = places;
  }
}
