/**
 * One line of a text, read from its beginning to its end in one go. What could be a form is tried where it
 * begins; what turns out to be none is text, and is not tried again. Pure.
 *
 * Always true: everything up to `at` is in `out`, but for the signs of the forms that were closed; `steps` counts
 * every character that was looked at.
 */
import { EMOJI } from "./emoji";

export type Inline =
  | { readonly is: "text"; readonly text: string }
  | { readonly is: "code"; readonly text: string }
  | { readonly is: "link"; readonly href: string; readonly text: string }
  | { readonly is: "mention"; readonly name: string; readonly text: string }
  | { readonly is: "strong" | "emphasis" | "struck"; readonly of: readonly Inline[] };

type Sign = "**" | "~~" | "*" | "_";

const FORM = { "**": "strong", "~~": "struck", "*": "emphasis", _: "emphasis" } as const;

/** Forms that stand open at the same time. More of them nobody means. */
const MOST_OPEN = 16;
const MOST_LINK = 2048;
const MOST_NAME = 32;
const MOST_SHORTCODE = 30;

const SCHEMES = ["https://", "http://", "mailto:"];

const WORD = /[\p{L}\p{N}]/u;
const SPACE = /\s/;
const NAME = /[a-z0-9._-]/i;
const NAME_BEGINS = /[a-z0-9]/i;
const SHORTCODE = /[a-z0-9_+-]/i;
/** What no link holds: spaces, quotes, and what reorders or hides its surroundings. */
const NO_LINK = /[\s<>"'`\p{Cc}\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/u;
/** What ends a sentence rather than an address. */
const ENDS = /[.,:;!?*_~…"'»”’]/;
const OPENING: Readonly<Record<string, string>> = { ")": "(", "]": "[", "}": "{" };

export class InlineReader {
  steps = 0;
  private at = 0;
  private textFrom = 0;
  private readonly out: Inline[] = [];
  private readonly open: { readonly sign: Sign; readonly at: number }[] = [];

  constructor(private readonly line: string) {}

  read(): readonly Inline[] {
    while (this.at < this.line.length) if (!this.form()) this.at++;
    this.keepText();
    return this.out;
  }

  /** Take the form that begins here, if one does. */
  private form(): boolean {
    switch (this.look(this.at)) {
      case "`":
        return this.code();
      case "h":
      case "H":
      case "m":
      case "M":
        return this.link();
      case "@":
        return this.mention();
      case ":":
        return this.shortcode();
      case "*":
      case "~":
      case "_":
        return this.signs();
      default:
        return false;
    }
  }

  private look(at: number): string {
    this.steps++;
    return this.line[at] ?? "";
  }

  /** The character before, or a space; of a pair the second half is enough to be no word. */
  private before(at: number): string {
    const last = this.look(at - 1);
    return /[\udc00-\udfff]/.test(last) ? this.line.slice(at - 2, at) : last || " ";
  }

  private after(at: number): string {
    this.steps++;
    const point = this.line.codePointAt(at);
    return point === undefined ? " " : String.fromCodePoint(point);
  }

  // -- text -----------------------------------------------------------------

  /** Put what was read as text since the last form into `out`. */
  private keepText(): void {
    this.say(this.line.slice(this.textFrom, this.at));
    this.textFrom = this.at;
  }

  private say(text: string): void {
    if (text === "") return;
    const last = this.out.at(-1);
    // What stands open begins a place of its own, so nothing is joined across it.
    const isOpen = this.open.at(-1)?.at === this.out.length - 1;
    if (last?.is === "text" && !isOpen) this.out[this.out.length - 1] = { is: "text", text: last.text + text };
    else this.out.push({ is: "text", text });
  }

  /** What stands from here to `end` is this. */
  private put(node: Inline, end: number): true {
    this.keepText();
    this.out.push(node);
    this.at = this.textFrom = end;
    return true;
  }

  private pass(end: number): true {
    this.at = end;
    return true;
  }

  // -- forms ----------------------------------------------------------------

  private code(): boolean {
    const end = this.line.indexOf("`", this.at + 1);
    this.steps += (end < 0 ? this.line.length : end) - this.at;
    if (end <= this.at + 1) return false;
    return this.put({ is: "code", text: this.line.slice(this.at + 1, end) }, end + 1);
  }

  private link(): boolean {
    const scheme = SCHEMES.find((each) => this.line.slice(this.at, this.at + each.length).toLowerCase() === each);
    this.steps += SCHEMES.length;
    if (!scheme || WORD.test(this.before(this.at))) return false;
    let end = this.at;
    const most = Math.min(this.line.length, end + MOST_LINK);
    while (end < most && !NO_LINK.test(this.look(end))) end++;
    end = this.withoutSentence(this.at, end);
    const href = this.line.slice(this.at, end);
    if (!isAddress(href)) return this.pass(Math.max(end, this.at + scheme.length));
    return this.put({ is: "link", href, text: href }, end);
  }

  /** An address does not hold the sentence's own signs, nor a bracket that was opened before it. */
  private withoutSentence(begin: number, end: number): number {
    const counts = new Map<string, number>();
    for (let at = begin; at < end; at++) {
      const sign = this.look(at);
      if ("()[]{}".includes(sign)) counts.set(sign, (counts.get(sign) ?? 0) + 1);
    }
    for (; end > begin; end--) {
      const last = this.look(end - 1);
      const opening = OPENING[last];
      if (opening) {
        const closed = counts.get(last) ?? 0;
        if (closed <= (counts.get(opening) ?? 0)) break;
        counts.set(last, closed - 1);
      } else if (!ENDS.test(last)) break;
    }
    return end;
  }

  private mention(): boolean {
    const before = this.before(this.at);
    if (WORD.test(before) || /[@._-]/.test(before) || !NAME_BEGINS.test(this.look(this.at + 1))) return false;
    let end = this.at + 2;
    while (end <= this.at + MOST_NAME && NAME.test(this.look(end))) end++;
    while (/[._-]/.test(this.look(end - 1))) end--;
    const text = this.line.slice(this.at, end);
    return this.put({ is: "mention", name: text.slice(1).toLowerCase(), text }, end);
  }

  private shortcode(): boolean {
    let end = this.at + 1;
    while (end <= this.at + MOST_SHORTCODE && SHORTCODE.test(this.look(end))) end++;
    if (this.look(end) !== ":") return false;
    const emoji = EMOJI.get(this.line.slice(this.at + 1, end).toLowerCase());
    if (emoji === undefined) return false;
    this.keepText();
    this.say(emoji);
    this.at = this.textFrom = end + 1;
    return true;
  }

  /** A row of signs is one if it is of the right length, and text otherwise. */
  private signs(): boolean {
    const sign = this.look(this.at);
    let end = this.at + 1;
    while (this.look(end) === sign) end++;
    const row = this.line.slice(this.at, end);
    if (!(row in FORM)) return this.pass(end);
    this.keepText();
    this.mark(row as Sign, end);
    return true;
  }

  private mark(sign: Sign, end: number): void {
    const before = this.before(this.at);
    const after = this.after(end);
    // Names_with_such_signs keep them.
    const closes = !SPACE.test(before) && !(sign === "_" && WORD.test(after));
    const opens = !SPACE.test(after) && !(sign === "_" && WORD.test(before));
    const opener = closes ? this.open.findLastIndex((each) => each.sign === sign) : -1;
    const opened = this.open[opener];
    this.at = this.textFrom = end;
    if (opened && opened.at + 1 < this.out.length) {
      // What was opened inside and not closed stays the text it is.
      this.open.length = opener;
      const of = this.out.splice(opened.at).slice(1);
      this.steps += of.length;
      this.out.push({ is: FORM[sign], of });
    } else if (opens && this.open.length < MOST_OPEN) {
      this.open.push({ sign, at: this.out.length });
      this.out.push({ is: "text", text: sign });
    } else {
      this.say(sign);
    }
  }
}

function isAddress(text: string): boolean {
  try {
    const { protocol, hostname, pathname } = new URL(text);
    if (protocol === "mailto:") return /^[^@\s]+@[^@\s]+$/.test(pathname);
    return (protocol === "http:" || protocol === "https:") && hostname !== "";
  } catch {
    return false;
  }
}
