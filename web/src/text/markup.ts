/**
 * People's texts as a tree of the few forms a message can take. What is not one of them stays text: there is no
 * HTML here, every text can be read, and reading takes time in proportion to its length, whatever stands in it.
 *
 * Blocks: lines, fenced code, quotes (`> `), lists (`- `). Within lines: `code`, **strong**, *emphasis* or
 * _emphasis_, ~~struck~~, links with http, https or mailto, @names, :shortcodes:. Pure.
 */
import { type Inline, InlineReader } from "./inline";

export type { Inline } from "./inline";

export type Block =
  | { readonly is: "lines"; readonly lines: readonly (readonly Inline[])[] }
  | { readonly is: "quote"; readonly lines: readonly (readonly Inline[])[] }
  | { readonly is: "list"; readonly lines: readonly (readonly Inline[])[] }
  | { readonly is: "code"; readonly language: string; readonly text: string };

const FENCE = /^```([A-Za-z0-9+#.-]{0,20})\s*$/;
const FENCE_END = "```";
const QUOTE = /^> ?(.*)$/s;
const ITEM = /^[-*•] +(\S.*)$/s;

export function parse(text: string): readonly Block[] {
  return read(text).blocks;
}

/** The tree, and how many steps it took to read what stands within lines. */
export function read(text: string): { readonly blocks: readonly Block[]; readonly steps: number } {
  const blocks: Block[] = [];
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  const ends = fenceEnds(lines);
  let steps = 0;
  let kind: "lines" | "quote" | "list" = "lines";
  let held: (readonly Inline[])[] = [];
  const close = (): void => {
    const kept = kind === "lines" ? withoutEmptyEnds(held) : held;
    if (kept.length > 0) blocks.push({ is: kind, lines: kept });
    held = [];
  };
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    const end = ends[at + 1];
    const fence = end === undefined ? null : FENCE.exec(line);
    if (fence && end !== undefined) {
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
    const within = new InlineReader(quote?.[1] ?? item?.[1] ?? line);
    held.push(within.read());
    steps += within.steps;
  }
  close();
  return { blocks, steps };
}

export function inline(line: string): readonly Inline[] {
  return new InlineReader(line).read();
}

/** For each line, the next one from there on that closes a fence. */
function fenceEnds(lines: readonly string[]): readonly (number | undefined)[] {
  const ends = new Array<number | undefined>(lines.length + 1);
  for (let at = lines.length - 1; at >= 0; at--) ends[at] = lines[at]?.trimEnd() === FENCE_END ? at : ends[at + 1];
  return ends;
}

function withoutEmptyEnds(lines: readonly (readonly Inline[])[]): readonly (readonly Inline[])[] {
  const first = lines.findIndex((line) => line.length > 0);
  const last = lines.findLastIndex((line) => line.length > 0);
  return first < 0 ? [] : lines.slice(first, last + 1);
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

const MOST_LARGE = 8;

// One emoji with all that belongs to it. Each part can only be taken in one way, so nothing is tried twice.
const EMOJI =
  /\s*(?:\p{Regional_Indicator}{2}|(?:\p{Emoji_Presentation}|\p{Extended_Pictographic})\ufe0f?\p{Emoji_Modifier}*(?:\u200d\p{Extended_Pictographic}\ufe0f?\p{Emoji_Modifier}*)*)\s*/uy;

/** Whether a message is a few emoji and nothing else, which are shown large. */
export function isEmojiOnly(blocks: readonly Block[]): boolean {
  const [block] = blocks;
  if (blocks.length !== 1 || block?.is !== "lines" || block.lines.length !== 1) return false;
  const text = plain(blocks);
  let at = 0;
  for (let count = 0; count < MOST_LARGE && at < text.length; count++) {
    EMOJI.lastIndex = at;
    if (!EMOJI.test(text)) return false;
    at = EMOJI.lastIndex;
  }
  return at === text.length;
}
