/** Times and days in the reader's own zone and language. */
import type { Words } from "../words";

/** The reader's own form of the language, when the browser names one: en-GB writes days as en-US does not. */
function localeOf(words: Words): string {
  return navigator.languages.find((each) => each.split("-")[0] === words.language) ?? words.language;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(words: Words, name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${words.language} ${name}`;
  let found = formats.get(key);
  if (!found) formats.set(key, (found = new Intl.DateTimeFormat(localeOf(words), options)));
  return found;
}

export function clock(atMs: number, words: Words): string {
  return format(words, "clock", { hour: "2-digit", minute: "2-digit" }).format(atMs);
}

export function full(atMs: number, words: Words): string {
  return format(words, "full", { dateStyle: "full", timeStyle: "short" }).format(atMs);
}

export function date(atMs: number, words: Words): string {
  return new Intl.DateTimeFormat(localeOf(words), { dateStyle: "medium" }).format(atMs);
}

/** A number that is the same for all moments of one day here. */
export function dayOf(atMs: number): number {
  const at = new Date(atMs);
  return (at.getFullYear() * 12 + at.getMonth()) * 31 + at.getDate();
}

export function dayName(atMs: number, nowMs: number, words: Words): string {
  if (dayOf(atMs) === dayOf(nowMs)) return words.today;
  const yesterday = new Date(nowMs);
  yesterday.setDate(yesterday.getDate() - 1);
  if (dayOf(atMs) === dayOf(yesterday.getTime())) return words.yesterday;
  const sameYear = new Date(atMs).getFullYear() === new Date(nowMs).getFullYear();
  return new Intl.DateTimeFormat(localeOf(words), {
    weekday: "long",
    day: "numeric",
    month: "long",
    ...(sameYear ? {} : { year: "numeric" }),
  }).format(atMs);
}

/** For a list: the time of today, else the day. */
export function brief(atMs: number, nowMs: number, words: Words): string {
  if (dayOf(atMs) === dayOf(nowMs)) return clock(atMs, words);
  return new Intl.DateTimeFormat(localeOf(words), { day: "numeric", month: "short" }).format(atMs);
}
