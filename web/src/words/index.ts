import type { Language } from "../app/port";
import { de } from "./de";
import { en, type Words } from "./en";

export type { Words };

export const WORDS: Readonly<Record<Language, Words>> = { en, de };
