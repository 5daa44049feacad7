/** The page as a whole: who is not signed in is let in first. */
import { useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useState } from "preact/hooks";

import type { Port } from "../app/port";
import { titleOf } from "../state/rows";
import { WORDS } from "../words";
import { PortContext, usePort, useWords } from "./context";
import { dialog, OpenDialog } from "./dialogs";
import { Entrance } from "./entrance";
import { Mark } from "./icons";
import { drawer, Navigation } from "./navigation";
import { DrawerButton, OpenPlace } from "./place";
import { Notice } from "./notice";
import { Settings } from "./settings";

export function Page({ port }: { readonly port: Port }): JSX.Element {
  return (
    <PortContext.Provider value={port}>
      <Whole />
    </PortContext.Provider>
  );
}

function Whole(): JSX.Element {
  const { session, preferences, unread, timeline, route } = usePort();
  useSignalEffect(() => {
    const { theme, language } = preferences.value;
    document.documentElement.lang = language;
    if (theme === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
  });
  useSignalEffect(() => {
    const { settings, signIn } = WORDS[preferences.value.language];
    const name = route.value.at === "settings" ? settings : (timeline.value?.name ?? "");
    document.title = session.value.state === "in" ? titleOf(unread.value, name) : titleOf(0, signIn);
  });
  switch (session.value.state) {
    case "unknown":
      return <Opening />;
    case "out":
      return <Entrance key="out" why={session.value.why} />;
    case "in":
      return <Inside user={session.value.user} />;
  }
}

/** After so long without an answer it is said that there is none. */
const PATIENCE_MS = 4000;

function Opening(): JSX.Element {
  const words = useWords();
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <main class="opening" aria-busy="true">
      <Mark size={56} />
      <p class={late ? "" : "hidden"} role="status">
        {late ? words.noAnswer : words.loading}
      </p>
    </main>
  );
}

function Inside({ user }: { readonly user: string }): JSX.Element {
  const { timeline, route } = usePort();
  const words = useWords();
  useEffect(() => {
    const keys = (event: KeyboardEvent): void => {
      if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
        event.preventDefault();
        dialog.value = dialog.value === "switcher" ? null : "switcher";
      }
      if (event.key === "Escape" && drawer.value && dialog.value === null) drawer.value = false;
    };
    document.addEventListener("keydown", keys);
    return () => {
      document.removeEventListener("keydown", keys);
      dialog.value = null;
      drawer.value = false;
    };
  }, []);
  useSignalEffect(() => {
    if (route.value) drawer.value = false; // wherever one goes, it is there that one looks
  });
  const covered = drawer.value;
  useLayoutEffect(() => {
    // What lies under the drawer is out of reach, and the keyboard is where the eye is.
    const main = document.getElementById("main");
    if (main) main.inert = covered;
    if (covered) document.querySelector<HTMLElement>("#navigation a.brand")?.focus();
    return () => {
      if (main) main.inert = false;
      if (covered) document.querySelector<HTMLElement>(".drawer-button")?.focus();
    };
  }, [covered, route.value]);
  const open = timeline.value;
  return (
    <div class={drawer.value ? "inside drawer-open" : "inside"}>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          (document.querySelector<HTMLElement>("[role=log]") ?? document.querySelector<HTMLElement>("#main h1"))?.focus();
        }}
      >
        {words.skip}
      </a>
      <Navigation user={user} />
      <button type="button" class="shade" aria-label={words.closeNavigation} tabIndex={-1} onClick={() => (drawer.value = false)} />
      {route.value.at === "settings" ? <Settings /> : route.value.at === "place" && open ? <OpenPlace timeline={open} user={user} /> : <Start user={user} />}
      <OpenDialog />
      <Notice />
    </div>
  );
}

function Start({ user }: { readonly user: string }): JSX.Element {
  const words = useWords();
  return (
    <main class="empty" id="main">
      <DrawerButton />
      <Mark size={64} />
      <h1 tabIndex={-1}>{words.welcome(user)}</h1>
      <p>{words.welcomeText}</p>
      <div class="acts">
        <button type="button" class="primary" data-home-of-focus onClick={() => (dialog.value = "rooms")}>
          {words.browseRooms}
        </button>
        <button type="button" onClick={() => (dialog.value = "new-message")}>
          {words.newMessage}
        </button>
      </div>
    </main>
  );
}
