"""Light emphasis in what people write, as spans of plain text.

Of Markdown only what survives being misread: bold, italic, struck, code, quotes and bare links. Nothing
people write is ever an instruction to what shows it: the result is text, and names from a closed list for
parts of it.
"""

import re
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from hubbub.terminal import harmless

Kind = Literal["bold", "italic", "struck", "code", "block", "quote", "link"]

_MOST_CHARACTERS = 400
"""Between two marks: it keeps a text full of marks that are never closed from taking long."""

_INLINE = re.compile(
    rf"""
    (?P<link>https?://[^\s<>"`]{{1,2000}})
  | `(?P<code>[^`\n]{{1,{_MOST_CHARACTERS}}})`
  | (?<![\w*])\*\*(?P<bold>(?=[^\s*])[^\n]{{1,{_MOST_CHARACTERS}}}?(?<=[^\s]))\*\*(?![\w*])
  | (?<![\w*])\*(?P<italic>(?=[^\s*])[^*\n]{{1,{_MOST_CHARACTERS}}}(?<=[^\s]))\*(?![\w*])
  | (?<![\w_])_(?P<slanted>(?=[^\s_])[^_\n]{{1,{_MOST_CHARACTERS}}}(?<=[^\s]))_(?![\w_])
  | (?<![\w~])~~(?P<struck>(?=[^\s~])[^~\n]{{1,{_MOST_CHARACTERS}}}(?<=[^\s]))~~(?![\w~])
    """,
    re.VERBOSE,
)
_KINDS: dict[str, Kind] = {
    "link": "link",
    "code": "code",
    "bold": "bold",
    "italic": "italic",
    "slanted": "italic",
    "struck": "struck",
}
_FENCE = re.compile(r"```[^\s`]{0,40}\s*")
_AFTER_LINK = ".,;:!?'"


class Span(Struct, frozen=True):
    start: int
    end: int
    kind: Kind


class Emphasised(Struct, frozen=True):
    text: str
    spans: tuple[Span, ...]


def emphasised(written: str) -> Emphasised:
    """`written`, harmless for a terminal, and which parts of it stand out."""
    text = ""
    spans: list[Span] = []
    for kind, line in _lines(harmless(written)):
        if text or spans:
            text += "\n"
        start = len(text)
        if kind == "block":
            text += line
        else:
            for part, inner in _inline(line):
                if inner is not None:
                    spans.append(Span(len(text), len(text) + len(part), inner))
                text += part
        if kind is not None and len(text) > start:
            spans.append(Span(start, len(text), kind))
    return Emphasised(text, tuple(spans))


def _lines(text: str) -> Iterator[tuple[Kind | None, str]]:
    lines = text.split("\n")
    fences = [number for number, line in enumerate(lines) if _FENCE.fullmatch(line)]
    inside = {
        number
        for opening, closing in zip(fences[::2], fences[1::2], strict=False)
        for number in range(opening, closing + 1)
    }
    for number, line in enumerate(lines):
        if number in inside:
            if number not in fences:
                yield "block", line
        elif line.startswith("> "):
            yield "quote", "▎ " + line[2:]
        else:
            yield None, line


def _inline(line: str) -> Iterator[tuple[str, Kind | None]]:
    at = 0
    for found in _INLINE.finditer(line):
        name = found.lastgroup
        assert name is not None
        part = found[name]
        if found.start() > at:
            yield line[at : found.start()], None
        at = found.end()
        if name == "link":
            link = _link(part)
            yield link, "link"
            at -= len(part) - len(link)
        else:
            yield part, _KINDS[name]
    if at < len(line):
        yield line[at:], None


def _link(found: str) -> str:
    """Without the punctuation of the sentence it stands in."""
    link = found.rstrip(_AFTER_LINK)
    while link.endswith(")") and link.count(")") > link.count("("):
        link = link[:-1].rstrip(_AFTER_LINK)
    return link
