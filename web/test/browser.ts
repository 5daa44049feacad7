/** A browser with tabs, on a clock of its own: what a page stands on, and nothing to see. */
import { createPort } from "../src/app/create";
import type { Environment, Happened } from "../src/app/environment";
import type { Port } from "../src/app/port";
import { chanceOf, type Clock } from "./clock";
import { FakeSocket, FakeStream, type Jar, type Server } from "./server";

export interface Notice {
  readonly title: string;
  readonly body: string;
  readonly tag: string;
  readonly click: () => void;
}

export class Browser {
  readonly jar: Jar = { session: null };
  readonly kept = new Map<string, string>();
  readonly tabs: Tab[] = [];
  readonly notices: Notice[] = [];
  permission: NotificationPermission = "granted";
  languages = ["en"];

  constructor(
    readonly server: Server,
    readonly clock: Clock,
  ) {}

  tab(hash = "#/"): Tab {
    const tab = new Tab(this, hash);
    this.tabs.push(tab);
    return tab;
  }

  /** The cookie is there already. */
  signedIn(user: string): this {
    this.jar.session = this.server.signIn(user);
    return this;
  }

  storageOf(tab: () => Tab | undefined): Storage {
    const { kept } = this;
    const tell = (key: string, text: string | null): void => {
      for (const each of this.tabs) if (each !== tab()) this.clock.setTimeout(() => each.happened?.storageChanged(key, text), 1);
    };
    const methods = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, text: string) => {
        if (kept.get(key) === text) return;
        kept.set(key, text);
        tell(key, text);
      },
      removeItem: (key: string) => {
        if (kept.delete(key)) tell(key, null);
      },
    };
    return new Proxy(methods, {
      ownKeys: () => [...kept.keys()],
      getOwnPropertyDescriptor: (_, key) => ({ configurable: true, enumerable: true, value: kept.get(String(key)) }),
    }) as unknown as Storage;
  }
}

export class Tab {
  readonly port: Port;
  happened: Happened | undefined;
  isClosed = false;
  private readonly lives: (FakeSocket | FakeStream)[] = [];
  private isVisible = true;
  private isOnline = true;
  private hash: string;

  constructor(
    readonly browser: Browser,
    hash: string,
  ) {
    this.hash = hash;
    this.port = createPort(this.environment());
  }

  /** What the tab would hand in, until it is closed. */
  private environment(): Environment {
    const { browser } = this;
    const { server, clock, jar } = browser;
    const opened = <T extends FakeSocket | FakeStream>(live: T): T => {
      this.lives.push(live);
      return live;
    };
    const storage = browser.storageOf(() => this);
    const fetched = server.fetchFor(jar);
    const chance = chanceOf(browser.tabs.length + 1);
    let keys = browser.tabs.length * 1000;
    return {
      fetch: (...given) => (this.isClosed ? new Promise(() => {}) : this.isOnline ? fetched(...given) : Promise.reject(new TypeError("fetch failed"))),
      server: "http://hubbub.test",
      WebSocket: class {
        constructor(url: string) {
          return opened(new FakeSocket(server, jar.session, url));
        }
      } as never,
      EventSource: class {
        constructor(url: string) {
          return opened(new FakeStream(server, jar.session, url));
        }
      } as never,
      setTimeout: (act, ms) => clock.setTimeout(() => (this.isClosed ? undefined : act()), ms),
      clearTimeout: clock.clearTimeout,
      nowMs: () => clock.nowMs,
      chance,
      newKey: () => `key${++keys}`,
      storage: () => storage,
      languages: browser.languages,
      hash: {
        get: () => this.hash,
        set: (hash) => this.goes(hash),
      },
      isVisible: () => this.isVisible,
      isOnline: () => this.isOnline,
      notices: {
        permission: () => browser.permission,
        ask: async () => {
          browser.permission = "granted";
        },
        show: (notice, click) => browser.notices.push({ ...notice, click }),
      },
      on: (happened) => (this.happened = happened),
    };
  }

  goes(hash: string): void {
    this.hash = hash;
    this.browser.clock.setTimeout(() => this.happened?.hashChanged(), 0);
  }

  looks(isVisible: boolean): void {
    this.isVisible = isVisible;
    this.happened?.visibilityChanged();
  }

  network(isOnline: boolean): void {
    this.isOnline = isOnline;
    this.happened?.networkChanged();
  }

  /** Closed, or reloaded: nothing more is done here. */
  close(): void {
    this.isClosed = true;
    this.browser.tabs.splice(this.browser.tabs.indexOf(this), 1);
    this.happened = undefined;
    for (const live of this.lives) live.close();
  }

  /** Texts of the open place, stored ones and then those pending in brackets. */
  get texts(): string[] {
    const open = this.port.timeline.value;
    if (!open) return [];
    return [
      ...open.entries.map((each) => (each.kind === "said" ? each.text : `removed ${each.first}-${each.last}`)),
      ...open.pending.map((each) => `[${each.text}: ${each.state}]`),
    ];
  }
}
