/**
 * The messages of a place. A run of them is in the document, no more than the window holds; what is being read
 * stays where it is when rows come or go above it or below.
 */
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import type { Removed, Said, Timeline } from "../app/port";
import { usePort, useWords } from "./context";
import { DownIcon } from "./icons";
import { Message, PendingMessage } from "./message";
import { dayName, dayOf } from "./times";

/** Rows in the document at most: some screens in both directions. */
const MOST_ROWS = 200;
/** How near an end of what is there one comes before more is fetched. */
const NEAR_PIXELS = 900;
/** What counts as standing at the end. */
const END_PIXELS = 40;
/** Messages of one person within this time stand together. */
const TOGETHER_MS = 5 * 60_000;

interface Props {
  readonly timeline: Timeline;
  readonly user: string;
}

type Entry = Said | Removed;

const lastOf = (entry: Entry): number => (entry.kind === "said" ? entry.seq : entry.last);

export function Messages({ timeline, user }: Props): JSX.Element {
  const { acts, preferences } = usePort();
  const words = useWords();
  const box = useRef<HTMLDivElement>(null);
  const anchor = useRef<{ readonly row: string; readonly offset: number } | null>(null);
  const atEnd = useRef(true);
  const arrived = useRef(false);
  const rememberedTop = useRef(-1);
  const [scrolledUp, setScrolledUp] = useState(false);
  /** The seq of the last row in the document; undefined for the end of the window. */
  const [lastShown, setLastShown] = useState<number | undefined>(undefined);
  const { entries, pending, readBefore, reachesStart, reachesEnd, loading } = timeline;

  // -- which rows are in the document ---------------------------------------
  const found = lastShown === undefined ? -1 : entries.findIndex((entry) => lastOf(entry) >= lastShown);
  const end = found < 0 ? entries.length : found + 1;
  const start = Math.max(0, end - MOST_ROWS);
  const shown = entries.slice(start, end);
  const showsEnd = end === entries.length && reachesEnd;

  // -- staying where one reads ----------------------------------------------
  const remember = (): void => {
    const here = box.current;
    if (!here) return;
    rememberedTop.current = here.scrollTop;
    atEnd.current = here.scrollHeight - here.scrollTop - here.clientHeight < END_PIXELS;
    const top = here.getBoundingClientRect().top;
    for (const row of here.querySelectorAll<HTMLElement>("[data-row]")) {
      const offset = row.getBoundingClientRect().bottom - top;
      if (offset > 0) {
        anchor.current = { row: row.dataset["row"] ?? "", offset };
        return;
      }
    }
    anchor.current = null;
  };
  const stay = (): void => {
    const here = box.current;
    if (!here) return;
    if (atEnd.current && showsEnd) {
      here.scrollTop = here.scrollHeight;
      rememberedTop.current = here.scrollTop;
      return;
    }
    const held = anchor.current;
    const row = held && here.querySelector<HTMLElement>(`[data-row="${CSS.escape(held.row)}"]`);
    if (row) here.scrollTop += row.getBoundingClientRect().bottom - here.getBoundingClientRect().top - held.offset;
    rememberedTop.current = here.scrollTop;
  };
  // It was scrolled since, and is not told of that before the next frame: look while the old rows still stand.
  if (box.current && arrived.current && box.current.scrollTop !== rememberedTop.current) remember();
  const isFirst = loading === "first";
  useLayoutEffect(() => {
    const here = box.current;
    if (!here || isFirst) return;
    if (!arrived.current) {
      arrived.current = true;
      const fresh = here.querySelector<HTMLElement>(".new-separator");
      here.scrollTop = here.scrollHeight;
      // What was not read begins at the top of the view, when there is more of it than fits.
      if (fresh && fresh.offsetTop < here.scrollTop) here.scrollTop = Math.max(0, fresh.offsetTop - 48);
      remember();
    } else {
      stay();
    }
    noticed();
  }, [entries, pending, start, end, isFirst]);
  useEffect(() => {
    const here = box.current;
    if (!here) return;
    const sized = new ResizeObserver(() => stay()); // the composer grew, the font came, the phone was turned
    sized.observe(here);
    if (here.firstElementChild) sized.observe(here.firstElementChild);
    return () => sized.disconnect();
  }, [showsEnd]);
  useEffect(() => {
    if (isFirst) arrived.current = false;
  }, [isFirst]);
  const lastWritten = pending.at(-1)?.key;
  const wasWritten = useRef(lastWritten);
  useEffect(() => {
    // What one has just written is looked at; what was waiting when one came is not.
    if (lastWritten === wasWritten.current) return;
    wasWritten.current = lastWritten;
    if (lastWritten === undefined) return;
    atEnd.current = true;
    setLastShown(undefined);
    stay();
  }, [lastWritten]);

  // -- fetching, and what was seen ------------------------------------------
  const noticed = (): void => {
    const here = box.current;
    if (!here) return;
    const above = here.scrollTop;
    const below = here.scrollHeight - here.scrollTop - here.clientHeight;
    setScrolledUp(below > here.clientHeight || !showsEnd);
    if (above < NEAR_PIXELS) {
      if (start > 0) setLastShown(seqAt(Math.max(MOST_ROWS, end - 50) - 1));
      else acts.loadOlder();
    }
    if (below < NEAR_PIXELS) {
      if (end < entries.length) setLastShown(end + 50 >= entries.length ? undefined : seqAt(end + 49));
      else if (!reachesEnd) acts.loadNewer();
    }
    if (document.visibilityState !== "visible" || !arrived.current) return;
    const bottom = here.getBoundingClientRect().bottom;
    let seen = 0;
    for (const row of here.querySelectorAll<HTMLElement>("[data-seq]")) {
      if (row.getBoundingClientRect().bottom <= bottom + 4) seen = Math.max(seen, Number(row.dataset["seq"]));
    }
    if (seen > 0) acts.seen(seen);
  };
  const seqAt = (at: number): number | undefined => {
    const entry = entries[at];
    return entry && lastOf(entry);
  };
  useEffect(() => {
    const look = (): void => noticed();
    document.addEventListener("visibilitychange", look);
    window.addEventListener("focus", look);
    return () => {
      document.removeEventListener("visibilitychange", look);
      window.removeEventListener("focus", look);
    };
  });
  const move = (event: KeyboardEvent): void => {
    const here = box.current;
    if (!here || event.target !== here) return;
    const steps: Record<string, number> = { ArrowUp: -60, ArrowDown: 60, PageUp: -here.clientHeight * 0.9, PageDown: here.clientHeight * 0.9 };
    if (event.key === "End") newest();
    else if (event.key === "Home") here.scrollTop = 0;
    else if (steps[event.key] !== undefined) here.scrollTop += steps[event.key] ?? 0;
    else return;
    event.preventDefault();
  };
  const newest = (): void => {
    atEnd.current = true;
    setLastShown(undefined);
    acts.jumpToNewest();
    const here = box.current;
    if (here) here.scrollTop = here.scrollHeight;
  };

  // -- the rows -------------------------------------------------------------
  const rows: JSX.Element[] = [];
  const now = Date.now();
  let before: Said | null = null;
  let separated = readBefore === 0 && timeline.unread === 0;
  const earlier = entries[start - 1];
  if (earlier?.kind === "said") {
    before = earlier;
    separated ||= earlier.seq > readBefore;
  } else if (!reachesStart && shown[0] && lastOf(shown[0]) > readBefore + 1 && start === 0) {
    separated = true; // the line is further up
  }
  for (const entry of shown) {
    if (entry.kind === "removed") {
      rows.push(
        <p class="removed" key={`g${entry.first}`} data-row={`g${entry.first}`}>
          {words.removed(entry.first, entry.last)}
        </p>,
      );
      before = null;
      continue;
    }
    const newDay = !before || dayOf(before.atMs) !== dayOf(entry.atMs);
    if (newDay) {
      rows.push(
        <h2 class="day" key={`d${entry.seq}`}>
          <span>{dayName(entry.atMs, now, words)}</span>
        </h2>,
      );
    }
    const fresh = !separated && entry.seq > readBefore && entry.sender !== user;
    if (fresh) {
      separated = true;
      rows.push(
        <div class="new-separator" role="separator" key="new" aria-label={words.newMessages}>
          <span>{words.newMessages}</span>
        </div>,
      );
    }
    const goesOn = !newDay && !fresh && before !== null && before.sender === entry.sender && entry.atMs - before.atMs < TOGETHER_MS;
    rows.push(<Message key={`s${entry.seq}`} said={entry} goesOn={goesOn} language={preferences.value.language} />);
    before = entry;
  }
  const begin = timeline.name === user ? words.notesBegin : words.beginningWith(timeline.name);
  const isEmpty = entries.length === 0 && pending.length === 0 && reachesStart && loading === "no" && !timeline.trouble;
  return (
    <div class="messages-frame">
      <div
        ref={box}
        class="messages"
        role="log"
        aria-label={words.messages}
        aria-live={scrolledUp || isFirst ? "off" : "polite"}
        aria-busy={loading === "first"}
        tabIndex={0}
        onScroll={() => {
          remember();
          noticed();
        }}
        onKeyDown={move}
      >
        <div class="messages-inner">
          {loading === "first" ? (
            <Skeleton />
          ) : (
            <>
              {reachesStart && start === 0 && !isEmpty && (
                <p class="beginning">{timeline.place.kind === "room" ? words.beginningOfRoom(timeline.name) : begin}</p>
              )}
              {!reachesStart && start === 0 && !timeline.trouble && <p class="loading">{words.loadingOlder}</p>}
              {isEmpty && <p class="nothing">{timeline.place.kind === "room" ? words.emptyRoom : begin}</p>}
              {rows}
              {showsEnd &&
                pending.map((each, at) => (
                  <PendingMessage key={`p${each.key}`} pending={each} user={user} goesOn={at > 0 || before?.sender === user} />
                ))}
            </>
          )}
        </div>
      </div>
      {scrolledUp && loading !== "first" && (
        <button type="button" class="to-newest" onClick={newest}>
          <DownIcon />
          {words.toNewest}
          {timeline.unread > 0 && <span class="badge" aria-hidden="true">{timeline.unread > 999 ? "999+" : timeline.unread}</span>}
        </button>
      )}
    </div>
  );
}

function Skeleton(): JSX.Element {
  const words = useWords();
  return (
    <div class="skeleton" aria-label={words.loading} role="img">
      {[70, 45, 85, 30, 60].map((width) => (
        <div class="skeleton-row">
          <span />
          <span style={{ width: `${width}%` }} />
        </div>
      ))}
    </div>
  );
}
