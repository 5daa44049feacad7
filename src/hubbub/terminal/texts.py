"""What others wrote, made harmless for a terminal, and the colour of a name. Pure.

A terminal obeys what it is sent: escape sequences move the cursor, change its title, write into the clipboard
and answer as if somebody had typed. Whatever came over the wire goes through here before it is shown.
"""

import unicodedata
import zlib

COLOURS = ("cyan", "green", "yellow", "magenta", "blue", "red")
"""Of the terminal's own palette, so that people's themes decide how they look."""

_TAB = "    "

# Format characters that join what belongs together: without them emoji and many scripts fall apart.
_JOINERS = "\u200c\u200d"
_LINE_ENDS = "\u2028\u2029\u0085\v\f"
_TAGS = range(0xE0020, 0xE0080)  # in flags of regions


def harmless(text: str) -> str:
    """`text` with nothing in it but what is seen, and ends of lines. Tabs become spaces.

    Control characters are shown as the pictures that stand for them, and marks that reorder or hide what
    surrounds them as their number.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, text.replace("\r\n", "\n")))


def harmless_line(text: str) -> str:
    """The same in one line: ends of lines are shown as ⏎."""
    return harmless(text).replace("\n", "⏎")


def colour_of(name: str) -> str:
    """Of a person's name: the same one everywhere and for ever."""
    return COLOURS[zlib.crc32(name.encode("utf-8", "surrogatepass")) % len(COLOURS)]


def _shown(character: str) -> str:
    if character.isprintable() or character in "\n" or character in _JOINERS:
        return character
    if character == "\t":
        return _TAB
    if character in _LINE_ENDS:
        return "\n"
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    match unicodedata.category(character):
        case "Zs":  # spaces of other widths
            return character
        case "Cf" if code in _TAGS:
            return character
        case "Cs":
            return "\ufffd"
    return f"<U+{code:04X}>"
