/** What went wrong where nothing else on the page could say it: told for a while, at the edge. */
import { signal } from "@preact/signals";
import type { JSX } from "preact";

import type { Outcome, Trouble } from "../app/port";
import { useWords, wordsFor } from "./context";
import { CloseIcon } from "./icons";

const SHOWN_MS = 8000;

const told = signal<Trouble | null>(null);
let ending: ReturnType<typeof setTimeout> | undefined;

/** Tell it when what was done has failed; whether it was done. */
export async function done<T>(doing: Promise<Outcome<T>>): Promise<boolean> {
  const outcome = await doing;
  if (!outcome.ok) {
    told.value = outcome.trouble;
    clearTimeout(ending);
    ending = setTimeout(() => (told.value = null), SHOWN_MS);
  }
  return outcome.ok;
}

export function Notice(): JSX.Element | null {
  const words = useWords();
  if (!told.value) return null;
  return (
    <div class="toast" role="alert">
      {wordsFor(told.value, words)}
      <button type="button" class="icon-button" aria-label={words.close} onClick={() => (told.value = null)}>
        <CloseIcon />
      </button>
    </div>
  );
}
