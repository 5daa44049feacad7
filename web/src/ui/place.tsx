/** An open room or conversation: its head, its messages, and where one writes. */
import type { JSX } from "preact";

import type { Timeline } from "../app/port";
import { Avatar } from "./avatar";
import { Composer } from "./composer";
import { ConnectionState } from "./connection";
import { usePort, useWords, wordsFor } from "./context";
import { BellOffIcon, HashIcon, MenuIcon } from "./icons";
import { drawer } from "./navigation";
import { done } from "./notice";
import { Messages } from "./timeline";

export function OpenPlace({ timeline, user }: { readonly timeline: Timeline; readonly user: string }): JSX.Element {
  const { acts, connection } = usePort();
  const words = useWords();
  const { place, name, followed, trouble } = timeline;
  if (trouble?.code === "no-such-room" || trouble?.code === "no-such-user") return <NotHere />;
  const about = place.kind === "room" ? (followed ? words.following : "") : name === user ? words.notesToSelf : words.directWith(name);
  return (
    <main class="place" id="main">
      <header class="place-head">
        <DrawerButton />
        {place.kind === "room" ? <HashIcon /> : <Avatar name={name} small />}
        <div class="place-title">
          <h1>
            <bdi>{name || "…"}</bdi>
          </h1>
          <p>{about}</p>
        </div>
        {place.kind === "room" && followed && (
          <button
            type="button"
            class="quiet"
            onClick={() =>
              void done(acts.unfollow(place)).then((gone) => {
                if (gone) acts.go({ at: "start" });
              })
            }
          >
            <BellOffIcon />
            <span>{words.unfollow}</span>
          </button>
        )}
      </header>
      {connection.value.state !== "live" && (
        <div class="place-connection">
          <ConnectionState />
        </div>
      )}
      {trouble && (
        <p class="banner" role="alert">
          {words.notLoaded}: {wordsFor(trouble, words)}
        </p>
      )}
      <Messages key={`${place.kind}/${place.kind === "room" ? place.id : place.name}`} timeline={timeline} user={user} />
      <Composer timeline={timeline} />
    </main>
  );
}

export function DrawerButton(): JSX.Element {
  const { unread } = usePort();
  const words = useWords();
  const label = unread.value ? `${words.openNavigation}, ${words.unread(unread.value)}` : words.openNavigation;
  return (
    <button
      type="button"
      class="icon-button drawer-button"
      aria-label={label}
      title={words.openNavigation}
      aria-expanded={drawer.value}
      aria-controls="navigation"
      onClick={() => (drawer.value = true)}
    >
      <MenuIcon />
      {unread.value > 0 && <span class="drawer-dot" aria-hidden="true" />}
    </button>
  );
}

function NotHere(): JSX.Element {
  const words = useWords();
  return (
    <main class="empty" id="main">
      <DrawerButton />
      <h1 tabIndex={-1}>{words.notHere}</h1>
      <p>{words.notHereText}</p>
      <p>
        <a href="#/">{words.back}</a>
      </p>
    </main>
  );
}
