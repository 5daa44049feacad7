/** What somebody has chosen for this browser. Kept for all its users and tabs. */
import { type ReadonlySignal, signal } from "@preact/signals";

import type { Environment } from "./environment";
import type { Memory } from "./memory";
import type { Language, Preferences, Theme } from "./port";

const NAME = "preferences";
const LANGUAGES: readonly Language[] = ["en", "de"];
const THEMES: readonly Theme[] = ["system", "light", "dark"];

export class Choices {
  private readonly chosen;

  constructor(
    private readonly env: Pick<Environment, "languages" | "notices">,
    private readonly memory: Memory,
  ) {
    this.chosen = signal(this.read());
  }

  get value(): ReadonlySignal<Preferences> {
    return this.chosen;
  }

  choose(change: Partial<Preferences>): void {
    this.chosen.value = { ...this.chosen.value, ...change };
    this.memory.set(NAME, JSON.stringify(this.chosen.value));
  }

  async notify(on: boolean): Promise<void> {
    if (on && this.env.notices?.permission() === "default") await this.env.notices.ask();
    this.choose({ notifications: this.permitted(on) });
  }

  /** Another tab has written under this name. */
  written(name: string): void {
    if (name === NAME) this.chosen.value = this.read();
  }

  private read(): Preferences {
    let kept: Partial<Record<keyof Preferences, unknown>> = {};
    try {
      kept = (JSON.parse(this.memory.get(NAME) ?? "{}") as typeof kept | null) ?? {};
    } catch {
      // Written by something else: begin anew.
    }
    const spoken = this.env.languages.map((language) => language.slice(0, 2));
    return {
      theme: THEMES.find((each) => each === kept.theme) ?? "system",
      language: LANGUAGES.find((each) => each === kept.language) ?? LANGUAGES.find((each) => each === spoken[0]) ?? "en",
      notifications: this.permitted(kept.notifications === "on"),
    };
  }

  private permitted(wanted: boolean): Preferences["notifications"] {
    const permission = this.env.notices?.permission();
    if (permission === undefined) return "unsupported";
    if (permission === "denied") return "denied";
    return wanted && permission === "granted" ? "on" : "off";
  }
}
