import { describe, expect, test } from "vitest";
import { inline, isEmojiOnly, parse, plain } from "./markup";

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

describe("whatever people write", () => {
  /** Park and Miller's generator: the same texts each time. */
  function* chance(seed: number): Generator<number> {
    for (let at = seed; ; ) yield (at = (at * 48271) % 2147483647) / 2147483647;
  }
  test("every text can be read, and nothing but signs goes missing", () => {
    const pieces = ["*", "**", "_", "~~", "`", "```", "\n", " ", "a", "é", "😀", "http://a.b/c", "@ada", ":x:", ">", "> ", "- ", "<b>", "(", ")", "\u202e"];
    const next = chance(7);
    for (let round = 0; round < 3000; round++) {
      const length = Math.floor((next.next().value as number) * 30);
      const text = Array.from({ length }, () => pieces[Math.floor((next.next().value as number) * pieces.length)]).join("");
      const letters = (given: string): string => given.replace(/[^aébchtp😀<]/gu, "");
      expect(letters(plain(parse(text)))).toBe(letters(text));
    }
  });
  test.each(["*", "**a ", "_", "`", "```\n", "> ", "- ", "http://a(", "@a ", ":a", "~~x~~", "[", "*a_b~~"])(
    "a text of the greatest length is read: %j",
    (piece) => {
      const text = piece.repeat(16384 / piece.length);
      expect(plain(parse(text)).length).toBeLessThanOrEqual(text.length);
    },
  );
});
