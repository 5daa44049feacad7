import { describe, expect, test } from "vitest";

import { chanceOf, Dice } from "../../test/clock";
import { type Inline, inline, isEmojiOnly, parse, plain, read } from "./markup";

const shown = (text: string): unknown => inline(text);

describe("within a line", () => {
  test("what has no form is text", () => {
    expect(shown("a <b>&amp; 2 * 3 * 4")).toEqual([{ is: "text", text: "a <b>&amp; 2 * 3 * 4" }]);
  });
  test("emphasis, strong, struck and code are told by their signs", () => {
    expect(shown("*a* **b** _c_ ~~d~~ `e*f*`")).toEqual([
      { is: "emphasis", of: [{ is: "text", text: "a" }] },
      { is: "text", text: " " },
      { is: "strong", of: [{ is: "text", text: "b" }] },
      { is: "text", text: " " },
      { is: "emphasis", of: [{ is: "text", text: "c" }] },
      { is: "text", text: " " },
      { is: "struck", of: [{ is: "text", text: "d" }] },
      { is: "text", text: " " },
      { is: "code", text: "e*f*" },
    ]);
  });
  test("forms stand in one another", () => {
    expect(shown("**a *b* c**")).toEqual([
      { is: "strong", of: [{ is: "text", text: "a " }, { is: "emphasis", of: [{ is: "text", text: "b" }] }, { is: "text", text: " c" }] },
    ]);
  });
  test("a name with underscores keeps them", () => {
    expect(plain(parse("snake_case_name and __init__"))).toBe("snake_case_name and __init__");
  });
  test("a sign that nothing closes stays", () => {
    expect(plain(parse("**a *b ~~c"))).toBe("**a *b ~~c");
  });
  test("a link ends before the sentence does", () => {
    expect(shown("(see https://example.org/a_(b).)")).toEqual([
      { is: "text", text: "(see " },
      { is: "link", href: "https://example.org/a_(b)", text: "https://example.org/a_(b)" },
      { is: "text", text: ".)" },
    ]);
  });
  test.each(["javascript:alert(1)", "data:text/html,x", "vbscript:x", "ftp://example.org", "https://", "//example.org"])(
    "%s is no link",
    (text) => {
      expect(inline(text).every((each) => each.is === "text")).toBe(true);
    },
  );
  test("a name that is mentioned is not an address", () => {
    expect(shown("hi @Ada. ada@example.org")).toEqual([
      { is: "text", text: "hi " },
      { is: "mention", name: "ada", text: "@Ada" },
      { is: "text", text: ". ada@example.org" },
    ]);
  });
  test("a known shortcode is its emoji, another is text", () => {
    expect(shown(":tada: :nothing: 12:30:45")).toEqual([{ is: "text", text: "🎉 :nothing: 12:30:45" }]);
  });
});

describe("blocks", () => {
  test("code keeps every character, and its language", () => {
    expect(parse("a\n```py\n*x* <b>\n  y\n```\nb")).toEqual([
      { is: "lines", lines: [[{ is: "text", text: "a" }]] },
      { is: "code", language: "py", text: "*x* <b>\n  y" },
      { is: "lines", lines: [[{ is: "text", text: "b" }]] },
    ]);
  });
  test("a fence that nothing closes is text", () => {
    expect(plain(parse("```\nhello"))).toBe("```\nhello");
  });
  test("quotes and lists", () => {
    expect(parse("> a\n> b\n- c\n- d").map((block) => block.is)).toEqual(["quote", "list"]);
  });
  test("only emoji is told from emoji among words", () => {
    expect(isEmojiOnly(parse("🎉🎉"))).toBe(true);
    expect(isEmojiOnly(parse(":tada:"))).toBe(true);
    expect(isEmojiOnly(parse("well 🎉"))).toBe(false);
    expect(isEmojiOnly(parse("42"))).toBe(false);
  });
});

describe("links", () => {
  const hrefs = (text: string): string[] => inline(text).flatMap((each) => (each.is === "link" ? [each.href] : []));
  test.each([
    ["HTTPS://Example.org/x", ["HTTPS://Example.org/x"]],
    ["write to mailto:ada@example.org.", ["mailto:ada@example.org"]],
    ["mailto:nobody", []],
    ["https://a.b/?q=1&r=[2]#x, and", ["https://a.b/?q=1&r=[2]#x"]],
    ["[https://a.b/]", ["https://a.b/"]],
    ["<https://a.b>", ["https://a.b"]],
    ["xhttps://a.b", []],
    ["https://a.b/\u202egpj.exe", ["https://a.b/"]],
    ["https://a.b/\u200bx", ["https://a.b/"]],
    ["https://a.b/*x* https://c.d", ["https://a.b/*x", "https://c.d"]],
    ["http://)))", []],
  ])("of %j", (text, links) => {
    expect(hrefs(text)).toEqual(links);
    expect(plain(parse(text))).toBe(text);
  });
});

describe("emoji alone", () => {
  test.each(["👍🏽", "👩‍💻 👨‍👩‍👧‍👦", "🇩🇪", "❤️", "🎉".repeat(8)])("%s is large", (text) => expect(isEmojiOnly(parse(text))).toBe(true));
  test.each(["", "🎉".repeat(9), "🎉\n🎉", "1", "#", "**🎉** so"])("%j is not", (text) => expect(isEmojiOnly(parse(text))).toBe(false));
});

describe("whatever people write", () => {
  const pieces = [
    "*", "**", "***", "_", "__", "~~", "~", "`", "``", "```", "\n", "\r\n", " ", "a", "é", "ß", "😀", "👩‍💻", "\ud83d", "http://a.b/c", "https://", "mailto:x@y",
    "@ada", "@", ".", ":nope:", ":", ">", "> ", "- ", "• ", "<b>", "&amp;", "(", ")", "[", "]", "\u202e", "\u200b", "\0", "1.",
  ];
  const signs = new Set("*_~`>-•# \n+.");

  /** What is shown, code with its language, is what was written, in its order; what is missing are signs. */
  function expectOnlySignsMissing(text: string): void {
    const source = text.replace(/\r\n?/g, "\n");
    const shown = parse(text).map((block) => (block.is === "code" ? `${block.language}\n` : "") + plain([block])).join("\n");
    let at = 0;
    for (const sign of shown) {
      while (at < source.length && !source.startsWith(sign, at) && signs.has(source[at] ?? "")) at++;
      if (sign === "\n" && !source.startsWith(sign, at)) continue; // between blocks
      // Only when it is wrong: a hundred thousand calls of expect take seconds.
      if (!source.startsWith(sign, at)) expect.fail(`${JSON.stringify(text)} at ${at} shows ${JSON.stringify(shown)}`);
      at += sign.length;
    }
    expect([...source.slice(at)].filter((sign) => !signs.has(sign)), JSON.stringify(text)).toEqual([]);
  }

  test("is shown as it was written, but for signs", () => {
    const dice = new Dice(chanceOf(7));
    for (let round = 0; round < 4000; round++) {
      expectOnlySignsMissing(Array.from({ length: dice.below(30) }, () => dice.one(pieces)).join(""));
    }
  });

  test("becomes nothing but the forms there are, and links that are addresses", () => {
    const dice = new Dice(chanceOf(11));
    const nodes = (given: readonly Inline[]): readonly Inline[] => given.flatMap((each) => ("of" in each ? [each, ...nodes(each.of)] : [each]));
    for (let round = 0; round < 2000; round++) {
      const text = Array.from({ length: dice.below(40) }, () => dice.one(pieces)).join("");
      const all = parse(text).flatMap((block) => (block.is === "code" ? [] : nodes(block.lines.flat())));
      const isAsItShould = (node: Inline): boolean =>
        node.is === "link"
          ? /^(https?:\/\/|mailto:)[^\s\u200b\u202e]+$/i.test(node.href) && node.text === node.href
          : ["text", "code", "mention", "strong", "emphasis", "struck"].includes(node.is);
      expect(all.filter((node) => !isAsItShould(node))).toEqual([]);
    }
  });

  test.each([
    "*", "**", "* ", "a*", "**a ", "_", "_a", "a_", "`", "`a", "``", "```\n", "```a\n", "\n", "> ", "- ", "http://", "http://a(", "http://a)", "http://a.b/)).", "http://a ",
    "mailto:a@", "h", "m", "@", "@a", "@a ", "@a.", ":", ":a", "::", ":tada:", "~~x~~", "~", "[", "]", "*a_b~~", "*_", "a\u0301", "\ud83d", "🏻", "👩‍", "🎉",
  ])("of the greatest length takes steps in proportion to it: %j", (piece) => {
    const text = piece.repeat(16384 / piece.length);
    const { blocks, steps } = read(text);
    expect(steps).toBeLessThan(8 * text.length + 100);
    expect(plain(blocks).length).toBeLessThanOrEqual(text.length);
    isEmojiOnly(blocks);
    isEmojiOnly(parse(`${text}x`));
  });

  test("nests no deeper than anybody means", () => {
    const deep = (given: readonly Inline[]): number => Math.max(0, ...given.map((each) => ("of" in each ? 1 + deep(each.of) : 0)));
    const text = `${"*a **b ~~c _d ".repeat(100)}${" d_ c~~ b** a*".repeat(100)}`;
    expect(deep(inline(text))).toBeLessThanOrEqual(17);
  });
});
