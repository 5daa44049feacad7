/** What the reader can choose, and where else they are signed in. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

import type { Device, Language, Theme } from "../app/port";
import { WORDS } from "../words";
import { usePort, useWords } from "./context";
import { done } from "./notice";
import { DrawerButton } from "./place";
import { date } from "./times";

const THEMES: readonly Theme[] = ["system", "light", "dark"];

export function Settings(): JSX.Element {
  const words = useWords();
  return (
    <main class="settings" id="main">
      <header class="place-head">
        <DrawerButton />
        <div class="place-title">
          <h1 tabIndex={-1}>{words.settings}</h1>
        </div>
      </header>
      <div class="settings-body">
        <Appearance />
        <Notifications />
        <Devices />
        <Keyboard />
      </div>
    </main>
  );
}

function Appearance(): JSX.Element {
  const { preferences, acts } = usePort();
  const words = useWords();
  return (
    <section class="card">
      <fieldset class="choices">
        <legend>{words.appearance}</legend>
        {THEMES.map((theme) => (
          <label>
            <input type="radio" name="theme" checked={preferences.value.theme === theme} onChange={() => acts.setTheme(theme)} />
            <span>{words.themes[theme]}</span>
          </label>
        ))}
      </fieldset>
      <fieldset class="choices">
        <legend>{words.languageLabel}</legend>
        {(Object.keys(WORDS) as Language[]).map((language) => (
          <label>
            <input
              type="radio"
              name="language"
              checked={preferences.value.language === language}
              onChange={() => acts.setLanguage(language)}
            />
            <span lang={language}>{WORDS[language].name}</span>
          </label>
        ))}
      </fieldset>
    </section>
  );
}

function Notifications(): JSX.Element {
  const { preferences, acts } = usePort();
  const words = useWords();
  const state = preferences.value.notifications;
  return (
    <section class="card">
      <label class="line">
        <h2>{words.notifications}</h2>
        <input
          type="checkbox"
          role="switch"
          aria-label={words.notifications}
          checked={state === "on"}
          disabled={state === "denied" || state === "unsupported"}
          onChange={() => void acts.setNotifications(state !== "on")}
        />
      </label>
      <p>{words.notificationsText}</p>
      <p role="status">{words.notificationStates[state]}</p>
    </section>
  );
}

/** What a browser calls itself is long; what people call it is in there. */
function shortAgent(agent: string): string {
  const browser = /(Edg|OPR|Firefox|Chrome|Safari)\/\d+/.exec(agent)?.[1];
  const system = /(Windows|Android|iPhone|iPad|Mac OS X|Linux)/.exec(agent)?.[1];
  const names: Record<string, string> = { Edg: "Edge", OPR: "Opera", "Mac OS X": "macOS" };
  const parts = [browser, system].flatMap((part) => (part ? [names[part] ?? part] : []));
  return parts.length === 2 ? parts.join(" · ") : agent;
}

function Devices(): JSX.Element {
  const { acts } = usePort();
  const words = useWords();
  const [devices, setDevices] = useState<readonly Device[]>([]);
  const read = async (): Promise<void> => {
    const asked = acts.devices();
    await done(asked);
    const found = await asked;
    if (found.ok) setDevices(found.value);
  };
  useEffect(() => void read(), []);
  return (
    <section class="card">
      <h2>{words.devices}</h2>
      <ul class="devices" role="list">
        {devices.map((device) => {
          const agent = shortAgent(device.agent) || words.unknownDevice;
          const since = words.since(date(device.createdAtMs, words));
          return (
            <li key={device.id}>
              <span class="device">
                <strong title={device.agent}>{agent}</strong>
                <span>{since}</span>
              </span>
              {device.current ? (
                <span class="tag">{words.thisDevice}</span>
              ) : (
                <button type="button" aria-label={words.signOutThere(`${agent}, ${since}`)} onClick={() => void done(acts.endDevice(device.id)).then(read)}>
                  {words.signOut}
                </button>
              )}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function Keyboard(): JSX.Element {
  const words = useWords();
  return (
    <section class="card for-keyboards">
      <h2>{words.keyboard}</h2>
      <dl class="keys">
        {words.shortcuts.map(([keys, what]) => (
          <div>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
