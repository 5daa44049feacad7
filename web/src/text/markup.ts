/**
 * People's texts as a tree of the few forms a message can take. What is not one of them stays text: there is no
 * HTML here, every text can be read, and reading takes time in proportion to its length.
 *
 * Blocks: lines, fenced code, quotes (`> `), lists (`- `). Within lines: `code`, **strong**, *emphasis* or
 * _emphasis_, ~~struck~~, links with http or https, @names, :shortcodes:.
 */
import { EMOJI } from "./emoji";

export type Inline =
  | { readonly is: "text"; readonly text: string }
  | { readonly is: "code"; readonly text: string }
  | { readonly is: "link"; readonly href: string; readonly text: string }
  | { readonly is: "mention"; readonly name: string; readonly text: string }
  | { readonly is: "strong" | "emphasis" | "struck"; readonly of: readonly Inline[] };

export type Block =
  | { readonly is: "lines"; readonly lines: readonly (readonly Inline[])[] }
  | { readonly is: "quote"; readonly lines: readonly (readonly Inline[])[] }
  | { readonly is: "list"; readonly lines: readonly (readonly Inline[])[] }
  | { readonly is: "code"; readonly language: string; readonly text: string };

const FENCE = /^```([A-Za-z0-9+#.-]{0,20})\s*$/;
const QUOTE = /^> ?(.*)$/s;
const ITEM = /^[-*•] +(.+)$/s;

export function parse(text: string): readonly Block[] {
  const blocks: Block[] = [];
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  let kind: "lines" | "quote" | "list" = "lines";
  let held: (readonly Inline[])[] = [];
  const close = (): void => {
    while (kind === "lines" && held.length > 0 && held[0]?.length === 0) held.shift();
    while (kind === "lines" && held.length > 0 && held.at(-1)?.length === 0) held.pop();
    if (held.length > 0) blocks.push({ is: kind, lines: held });
    held = [];
  };
  const lastFence = lines.findLastIndex((line) => line.trimEnd() === "```");
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    const fence = at < lastFence ? FENCE.exec(line) : null;
    if (fence) {
      const end = lines.findIndex((each, index) => index > at && each.trimEnd() === "```");
      close();
      kind = "lines";
      blocks.push({ is: "code", language: fence[1] ?? "", text: lines.slice(at + 1, end).join("\n") });
      at = end;
      continue;
    }
    const quote = QUOTE.exec(line);
    const item = quote ? null : ITEM.exec(line);
    const next = quote ? "quote" : item ? "list" : "lines";
    if (next !== kind) close();
    kind = next;
    held.push(inline(quote?.[1] ?? item?.[1] ?? line));
  }
  close();
  return blocks;
}

// One pass; what could be a form is tried where it begins, and is text otherwise.
const TOKEN =
  /`([^`\n]+)`|(https?:\/\/[^\s<>"'`\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]{1,2048})|(?<![\p{L}\p{N}@._-])@([a-z0-9][a-z0-9._-]{0,31})|:([a-z0-9_+-]{1,30}):|(?:_{2,}|\*{3,}|~{3,})|(\*\*|~~|[*_])/giu;

type Mark = { readonly sign: string; readonly at: number };

const FORM = { "**": "strong", "~~": "struck", "*": "emphasis", _: "emphasis" } as const;

/** One line. */
export function inline(text: string): readonly Inline[] {
  const out: Inline[] = [];
  const open: Mark[] = [];
  let read = 0;
  const say = (more: string): void => {
    const last = out.at(-1);
    if (!more) return;
    // What stands open begins a place of its own in `out`, so nothing is joined across it.
    if (last?.is === "text" && open.at(-1)?.at !== out.length - 1) out[out.length - 1] = { is: "text", text: last.text + more };
    else out.push({ is: "text", text: more });
  };
  for (const found of text.matchAll(TOKEN)) {
    const [whole, code, link, name, shortcode, sign] = found;
    if (found.index < read) continue;
    say(text.slice(read, found.index));
    read = found.index + whole.length;
    if (code !== undefined) out.push({ is: "code", text: code });
    else if (link !== undefined) {
      const href = trimmed(link);
      read = found.index + href.length;
      out.push(isAddress(href) ? { is: "link", href, text: href } : { is: "text", text: href });
    } else if (name !== undefined) {
      const plain = name.replace(/[._-]+$/, "");
      read = found.index + 1 + plain.length;
      out.push({ is: "mention", name: plain.toLowerCase(), text: `@${plain}` });
    } else if (shortcode !== undefined) say(EMOJI.get(shortcode.toLowerCase()) ?? whole);
    else if (sign === undefined) say(whole); // a row of signs is none
    else mark(sign, text[found.index - 1] ?? " ", text[read] ?? " ");
  }
  say(text.slice(read));
  return out;

  function mark(sign: string, before: string, after: string): void {
    const closes = /\S/.test(before) && !(sign === "_" && /[\p{L}\p{N}]/u.test(after));
    const opener = closes ? open.findLastIndex((each) => each.sign === sign) : -1;
    const opened = open[opener];
    if (opened && opened.at + 1 < out.length) {
      // What was opened inside and not closed stays the text it is.
      open.length = opener;
      const of = out.splice(opened.at);
      out.push({ is: FORM[sign as keyof typeof FORM], of: of.slice(1) });
      return;
    }
    if (/\S/.test(after) && !(sign === "_" && /[\p{L}\p{N}]/u.test(before)) && open.length < 16) {
      open.push({ sign, at: out.length });
      out.push({ is: "text", text: sign });
      return;
    }
    say(sign);
  }
}

/** A link does not hold the sentence's own punctuation, nor a bracket that was opened before it. */
function trimmed(link: string): string {
  let end = link.length;
  for (;;) {
    const last = link[end - 1] ?? "";
    if (/[.,:;!?*_~…"'»”’]/.test(last)) end--;
    else if (last === ")" && count(link, "(", end) < count(link, ")", end)) end--;
    else if (last === "]" && count(link, "[", end) < count(link, "]", end)) end--;
    else return link.slice(0, end);
  }
}

function count(text: string, sign: string, end: number): number {
  let found = 0;
  for (let at = 0; at < end; at++) if (text[at] === sign) found++;
  return found;
}

function isAddress(text: string): boolean {
  try {
    const { protocol, hostname } = new URL(text);
    return (protocol === "http:" || protocol === "https:") && hostname !== "";
  } catch {
    return false;
  }
}

/** What of a tree is text: what a screen reader or a notice says. */
export function plain(blocks: readonly Block[]): string {
  return blocks
    .map((block) => (block.is === "code" ? block.text : block.lines.map((line) => line.map(textOf).join("")).join("\n")))
    .join("\n");
}

function textOf(node: Inline): string {
  return "of" in node ? node.of.map(textOf).join("") : node.text;
}

const ONLY_EMOJI = /^(?:\s*(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f?)(?:\p{Emoji_Modifier}|\u200d(?:\p{Emoji_Presentation}|\p{Extended_Pictographic})\ufe0f?)*){1,8}\s*$/u;

/** Whether a message is a few emoji and nothing else, which are shown large. */
export function isEmojiOnly(blocks: readonly Block[]): boolean {
  return blocks.length === 1 && blocks[0]?.is === "lines" && blocks[0].lines.length === 1 && ONLY_EMOJI.test(plain(blocks));
}
