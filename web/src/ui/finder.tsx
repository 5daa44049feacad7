/** A field to type in and what it finds below: arrows choose, Enter takes. Shared by all dialogs that search. */
import type { JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

import type { Outcome } from "../app/port";
import { useWords, wordsFor } from "./context";
import { SearchIcon } from "./icons";
import { LongList, rowId } from "./long-list";

const TYPING_MS = 150;
const ROW_PIXELS = 52;

interface Props<T> {
  readonly label: string;
  readonly role: "searchbox" | "combobox";
  readonly find: (words: string) => Promise<Outcome<readonly T[]>>;
  readonly row: (found: T) => JSX.Element;
  readonly onPick: (found: T) => void;
  readonly count?: (count: number) => string;
  /** What is said where there is nothing at all; else that nothing was found. */
  readonly empty?: string;
}

export function Finder<T>({ label, role, find, row, onPick, count, empty }: Props<T>): JSX.Element {
  const words = useWords();
  const list = useId();
  const [text, setText] = useState("");
  const [found, setFound] = useState<Outcome<readonly T[]> | null>(null);
  const [chosen, setChosen] = useState(0);
  const asked = useRef(0);
  /** The text that `found` answers, and whether Enter was pressed before there was an answer to what is typed. */
  const answered = useRef<string | null>(null);
  const hurried = useRef(false);
  useEffect(() => {
    const asking = ++asked.current;
    const timer = setTimeout(
      () =>
        void find(text).then((answer) => {
          if (asking !== asked.current) return; // an older question's answer
          answered.current = text;
          setFound(answer);
          setChosen(0);
          const first = answer.ok ? answer.value[0] : undefined;
          if (hurried.current && first !== undefined) onPick(first);
          hurried.current = false;
        }),
      text ? TYPING_MS : 0,
    );
    return () => clearTimeout(timer);
  }, [text]);
  const items = found?.ok ? found.value : [];
  const move = (event: KeyboardEvent): void => {
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    const step = steps[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setChosen(Math.min(items.length - 1, Math.max(0, chosen + step)));
    } else if (event.key === "Enter") {
      event.preventDefault();
      const item = items[chosen];
      if (answered.current !== text) hurried.current = true;
      else if (item !== undefined) onPick(item);
    }
  };
  return (
    <div class="finder">
      <div class="search">
        <SearchIcon />
        <input
          type="text" // a field of the type "search" would take Escape for itself
          role={role}
          aria-label={label}
          placeholder={label}
          aria-controls={list}
          aria-expanded={role === "combobox" ? items.length > 0 : undefined}
          aria-activedescendant={items.length ? rowId(list, chosen) : undefined}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          value={text}
          onInput={(event) => {
            hurried.current = false;
            setText(event.currentTarget.value);
          }}
          onKeyDown={move}
          autofocus
        />
      </div>
      {found === null ? (
        <p class="found-none">{words.searching}</p>
      ) : !found.ok ? (
        <p class="found-none" role="alert">
          {wordsFor(found.trouble, words)}
        </p>
      ) : (
        <>
          <p class={items.length ? "found-count" : "found-none"} role="status">
            {items.length ? (count?.(items.length) ?? "") : !text && empty ? empty : words.noneFound}
          </p>
          {items.length > 0 && (
            <LongList
              id={list}
              label={label}
              count={items.length}
              chosen={chosen}
              rowPixels={ROW_PIXELS}
              row={(at) => row(items[at] as T)}
              onPick={(at) => onPick(items[at] as T)}
            />
          )}
        </>
      )}
    </div>
  );
}
