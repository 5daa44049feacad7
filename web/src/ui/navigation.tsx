/** Where one can go: followed rooms, conversations, and the ways to more. */
import { signal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import { hashOf } from "../app/routes";
import type { Row } from "../app/port";
import { keyOf } from "../state/places";
import { Avatar } from "./avatar";
import { ConnectionState } from "./connection";
import { isMac, usePort, useWords } from "./context";
import { dialog, type DialogName } from "./dialogs";
import { CompassIcon, GearIcon, HashIcon, LeaveIcon, Mark, PenIcon, PlusIcon, SearchIcon } from "./icons";
import { done } from "./notice";
import { brief } from "./times";

/** On a phone the navigation covers the page, or is out of sight. */
export const drawer = signal(false);

export function Navigation({ user }: { readonly user: string }): JSX.Element {
  const { rooms, conversations } = usePort();
  const words = useWords();
  return (
    <nav class={drawer.value ? "navigation open" : "navigation"} aria-label={words.navigation} id="navigation">
      <header>
        <a class="brand" href="#/" onClick={() => (drawer.value = false)}>
          <Mark /> hubbub
        </a>
        <ConnectionState />
      </header>
      <button type="button" class="go-to" onClick={() => (dialog.value = "switcher")}>
        <SearchIcon />
        {words.goTo} <kbd class="for-keyboards">{words.goToKeys(isMac)}</kbd>
      </button>
      <div class="lists" onKeyDown={moveInList}>
        <List
          title={words.rooms}
          rows={rooms.value}
          none={words.noRooms}
          actions={
            <>
              <Action name="rooms" label={words.browseRooms} icon={<CompassIcon />} />
              <Action name="new-room" label={words.newRoom} icon={<PlusIcon />} />
            </>
          }
        />
        <List
          title={words.people}
          rows={conversations.value}
          none={words.noPeople}
          actions={<Action name="new-message" label={words.newMessage} icon={<PenIcon />} />}
        />
      </div>
      <Account user={user} />
    </nav>
  );
}

function Action({ name, label, icon }: { readonly name: DialogName; readonly label: string; readonly icon: JSX.Element }): JSX.Element {
  return (
    <button type="button" class="icon-button" aria-label={label} title={label} onClick={() => (dialog.value = name)}>
      {icon}
    </button>
  );
}

interface ListProps {
  readonly title: string;
  readonly rows: readonly Row[];
  readonly none: string;
  readonly actions: ComponentChildren;
}

const ROW_PIXELS = 44;
const BEYOND = 10;

/** All rows have one height, and only those in sight are in the document: there may be a thousand. */
function List({ title, rows, none, actions }: ListProps): JSX.Element {
  const list = useRef<HTMLUListElement>(null);
  const [span, setSpan] = useState<readonly [number, number]>([0, 40]);
  useEffect(() => {
    const here = list.current;
    const scroller = here?.closest(".lists");
    if (!here || !scroller) return;
    const look = (): void => {
      const above = scroller.getBoundingClientRect().top - here.getBoundingClientRect().top;
      const first = Math.max(0, Math.floor(above / ROW_PIXELS) - BEYOND);
      // Of a list far below nothing is in sight: never less than first, which slice would count from the end.
      const last = Math.max(first, Math.ceil((above + scroller.clientHeight) / ROW_PIXELS) + BEYOND);
      setSpan((now) => (now[0] === first && now[1] === last ? now : [first, last]));
    };
    look();
    scroller.addEventListener("scroll", look, { passive: true });
    const sized = new ResizeObserver(look);
    sized.observe(scroller);
    return () => {
      scroller.removeEventListener("scroll", look);
      sized.disconnect();
    };
  }, [rows.length]);
  const [first, last] = span;
  return (
    <section class="list">
      <header>
        <h2>{title}</h2>
        {actions}
      </header>
      {rows.length === 0 ? (
        <p class="none">{none}</p>
      ) : (
        <ul ref={list} role="list" aria-label={title} style={{ height: `${rows.length * ROW_PIXELS}px` }}>
          {rows.slice(first, last).map((row, at) => (
            <li
              key={keyOf(row.place)}
              style={{ top: `${(first + at) * ROW_PIXELS}px`, height: `${ROW_PIXELS}px` }}
              aria-setsize={rows.length}
              aria-posinset={first + at + 1}
            >
              <Link row={row} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Link({ row }: { readonly row: Row }): JSX.Element {
  const { route, session } = usePort();
  const words = useWords();
  const key = keyOf(row.place);
  const here = route.value.at === "place" && keyOf(route.value.place) === key;
  const self = session.value.state === "in" && row.place.kind === "person" && row.name === session.value.user;
  const name = row.name || "…";
  return (
    <a
      href={hashOf({ at: "place", place: row.place })}
      data-place={key}
      class={row.unread ? "row unread" : "row"}
      aria-current={here ? "page" : undefined}
      onClick={() => (drawer.value = false)}
    >
      {row.place.kind === "room" ? <HashIcon /> : <Avatar name={row.name} small />}
      <span class="row-name">
        <bdi>{name}</bdi>
        {self && <span class="row-you"> ({words.you})</span>}
      </span>
      {row.draft && !here && (
        <>
          <PenIcon />
          <span class="hidden">{words.draft}</span>
        </>
      )}
      {row.unread > 0 ? (
        <span class="badge">
          <span aria-hidden="true">{row.unread > 999 ? "999+" : row.unread}</span>
          <span class="hidden">{words.unread(row.unread)}</span>
        </span>
      ) : (
        row.lastAtMs > 0 && row.lastAtMs < Infinity && <span class="row-time" aria-hidden="true">{brief(row.lastAtMs, Date.now(), words)}</span>
      )}
    </a>
  );
}

/** Arrows move between the links of the lists; Tab leaves them one by one as everywhere. */
function moveInList(event: KeyboardEvent): void {
  const lists = event.currentTarget as HTMLElement;
  if ((event.key === "Home" || event.key === "End") && (event.target as HTMLElement).matches("a.row")) {
    // The first and the last may not be in the document before they are in sight.
    event.preventDefault();
    lists.scrollTop = event.key === "Home" ? 0 : lists.scrollHeight;
    requestAnimationFrame(() => requestAnimationFrame(() => [...lists.querySelectorAll<HTMLElement>("a.row")].at(event.key === "Home" ? 0 : -1)?.focus()));
    return;
  }
  const links = [...lists.querySelectorAll<HTMLElement>("a.row")];
  const at = links.indexOf(document.activeElement as HTMLElement);
  if (at < 0) return;
  const to = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  links[to]?.focus();
}

function Account({ user }: { readonly user: string }): JSX.Element {
  const { acts } = usePort();
  const words = useWords();
  const [open, setOpen] = useState(false);
  const menu = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => {
    if (!open) return;
    menu.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus();
    const outside = (event: Event): void => {
      if (!menu.current?.contains(event.target as Node) && !button.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, [open]);
  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  const move = (event: KeyboardEvent): void => {
    if (event.key === "Escape") close();
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    const items = [...(menu.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
    const at = items.indexOf(document.activeElement as HTMLElement);
    items[(at + (event.key === "ArrowDown" ? 1 : items.length - 1)) % items.length]?.focus();
  };
  return (
    <footer class="account">
      {open && (
        <div class="menu" role="menu" aria-label={user} ref={menu} onKeyDown={move}>
          <button
            type="button"
            role="menuitem"
            onClick={() => {
              close();
              drawer.value = false;
              acts.go({ at: "settings" });
            }}
          >
            <GearIcon /> {words.settings}
          </button>
          <button type="button" role="menuitem" onClick={() => void done(acts.signOut())}>
            <LeaveIcon /> {words.signOut}
          </button>
        </div>
      )}
      <button type="button" class="me" ref={button} aria-haspopup="menu" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Avatar name={user} small />
        <span class="row-name">{user}</span>
      </button>
    </footer>
  );
}
