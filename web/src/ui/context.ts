/** What every component may look at: the port, and the words of the reader's language. */
import { createContext } from "preact";
import { useContext } from "preact/hooks";

import type { Port, Trouble } from "../app/port";
import { WORDS, type Words } from "../words";

export const PortContext = createContext<Port | null>(null);

export function usePort(): Port {
  const port = useContext(PortContext);
  if (!port) throw new Error("a component stands outside the page");
  return port;
}

export function useWords(): Words {
  return WORDS[usePort().preferences.value.language];
}

/** What to tell people of a refusal: the server's own words only where it knows more, and in its language. */
export function wordsFor(trouble: Trouble, words: Words): string {
  const known = words.troubles[trouble.code];
  if (trouble.code === "bad-input" && words.language === "en" && trouble.detail) return trouble.detail;
  return known ?? (trouble.detail || words.trouble);
}

export const isMac = /Mac|iPhone|iPad/.test(globalThis.navigator?.platform ?? "");
