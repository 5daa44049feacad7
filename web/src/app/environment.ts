/** What the page stands on, so that all behind it can be tried without a browser. */
import { newKey } from "../../client";

export interface Environment {
  readonly fetch: typeof fetch;
  /** Where the server is: "" for the page's own origin. */
  readonly server: string;
  readonly WebSocket: (new (url: string, protocols?: string) => WebSocket) | null;
  readonly EventSource: (new (url: string) => EventSource) | null;
  readonly setTimeout: (act: () => void, ms: number) => unknown;
  readonly clearTimeout: (timer: never) => void;
  readonly nowMs: () => number;
  readonly chance: () => number;
  readonly newKey: () => string;
  readonly storage: () => Storage;
  readonly languages: readonly string[];
  readonly hash: { get(): string; set(hash: string): void };
  readonly isVisible: () => boolean;
  readonly isOnline: () => boolean;
  readonly notices: Notices | null;
  readonly on: (happened: Happened) => void;
}

/** What the browser tells. */
export interface Happened {
  hashChanged(): void;
  /** In another tab; null when everything was cleared. */
  storageChanged(key: string | null, text: string | null): void;
  /** Looked at again, or not any more. */
  visibilityChanged(): void;
  networkChanged(): void;
}

export interface Notices {
  permission(): NotificationPermission;
  ask(): Promise<unknown>;
  /** One with the same tag as another takes its place, in whatever tab. */
  show(notice: { readonly title: string; readonly body: string; readonly tag: string }, clicked: () => void): void;
}

export function browserEnvironment(browser: Window & typeof globalThis = window): Environment {
  const { document, location, navigator } = browser;
  return {
    fetch: (...given) => browser.fetch(...given),
    server: "",
    WebSocket: browser.WebSocket ?? null,
    EventSource: browser.EventSource ?? null,
    setTimeout: (act, ms) => browser.setTimeout(act, ms),
    clearTimeout: (timer) => browser.clearTimeout(timer),
    nowMs: Date.now,
    chance: Math.random,
    newKey,
    storage: () => browser.localStorage,
    languages: navigator.languages ?? [navigator.language],
    hash: {
      get: () => location.hash,
      set: (hash) => {
        location.hash = hash;
      },
    },
    isVisible: () => document.visibilityState === "visible",
    isOnline: () => navigator.onLine,
    notices: "Notification" in browser ? desktopNotices(browser) : null,
    on: (happened) => {
      browser.addEventListener("hashchange", () => happened.hashChanged());
      browser.addEventListener("storage", (event) => happened.storageChanged(event.key, event.newValue));
      document.addEventListener("visibilitychange", () => happened.visibilityChanged());
      browser.addEventListener("online", () => happened.networkChanged());
      browser.addEventListener("offline", () => happened.networkChanged());
    },
  };
}

function desktopNotices(browser: Window & typeof globalThis): Notices {
  return {
    permission: () => browser.Notification.permission,
    ask: () => browser.Notification.requestPermission(),
    show: ({ title, body, tag }, clicked) => {
      let notice: Notification;
      try {
        notice = new browser.Notification(title, { body, tag });
      } catch {
        return; // phones show notices from service workers only
      }
      notice.onclick = () => {
        browser.focus();
        clicked();
        notice.close();
      };
    },
  };
}
