"""Texts that are UTF-8 and texts that are not, by sections 6.5 to 6.23 of the Autobahn test suite.

They are those of Markus Kuhn's decoder stress test, which RFC 3629 and Unicode section 3.9 decide upon.
"""

GREEK = "κ\u1f79σμε".encode()

_LONGEST_FIRST = (b"\xc0", b"\xe0\x80", b"\xf0\x80\x80", b"\xf8\x80\x80\x80", b"\xfc\x80\x80\x80\x80")
_LONGEST_LAST = (b"\xdf", b"\xef\xbf", b"\xf7\xbf\xbf", b"\xfb\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf")
_CUT_SHORT = (*_LONGEST_FIRST, *_LONGEST_LAST)


def _whole(*codes: int) -> tuple[bytes, ...]:
    return tuple(chr(code).encode() for code in codes)


def _hex(*texts: str) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(text) for text in texts)


def _starts(first: int, last: int) -> bytes:
    """Every byte that begins a character of one length, but the last, each before a space."""
    return b"".join(bytes((code, 0x20)) for code in range(first, last))


_PREFIXES = {GREEK[:size]: size in (2, 5, 7, 9, 11) for size in range(1, len(GREEK) + 1)}

SECTIONS: dict[str, tuple[str, dict[bytes, bool]]] = {
    number: (about, dict.fromkeys(texts, valid) if not isinstance(texts, dict) else texts)
    for number, about, valid, texts in (
        (
            "6.5",
            "characters of one to four bytes",
            True,
            (*(f"hello{c}world".encode() for c in "$¢€\U00024b62"), GREEK),
        ),
        ("6.6", "beginnings of a text, cut anywhere", None, _PREFIXES),
        ("6.7", "the first character of each length", True, _whole(0, 0x80, 0x800, 0x10000)),
        ("6.8", "the first of five and of six bytes", False, _hex("f888808080", "fc8480808080")),
        ("6.9", "the last character of each length", True, _whole(0x7F, 0x7FF, 0xFFFF, 0x10FFFF)),
        (
            "6.10",
            "the last of four, five and six bytes",
            False,
            _hex("f7bfbfbf", "fbbfbfbfbf", "fdbfbfbfbfbf"),
        ),
        (
            "6.11",
            "what lies beside the gaps of Unicode",
            None,
            {**dict.fromkeys(_whole(0xD7FF, 0xE000, 0xFFFD, 0x10FFFF), True), b"\xf4\x90\x80\x80": False},
        ),
        (
            "6.12",
            "the rest of a character without its start",
            False,
            (b"\x80", b"\xbf", *((b"\x80\xbf" * 3)[:size] for size in range(2, 7)), bytes(range(0x80, 0xBF))),
        ),
        (
            "6.13",
            "the start of a character without its rest",
            False,
            (
                _starts(0xC0, 0xDF),
                _starts(0xE0, 0xEF),
                _starts(0xF0, 0xF7),
                _starts(0xF8, 0xFB),
                _starts(0xFC, 0xFD),
            ),
        ),
        ("6.14", "characters without their last byte", False, _CUT_SHORT),
        ("6.15", "many of them, one after the other", False, (b"".join(_CUT_SHORT),)),
        ("6.16", "bytes that are in no text", False, _hex("fe", "ff", "fefeffff")),
        (
            "6.17",
            "a slash in more bytes than it needs",
            False,
            _hex("c0af", "e080af", "f08080af", "f8808080af", "fc80808080af"),
        ),
        (
            "6.18",
            "the largest of what needs fewer bytes",
            False,
            _hex("c1bf", "e09fbf", "f08fbfbf", "f887bfbfbf", "fc83bfbfbfbf"),
        ),
        (
            "6.19",
            "a NUL in more bytes than it needs",
            False,
            _hex("c080", "e08080", "f0808080", "f880808080", "fc8080808080"),
        ),
        (
            "6.20",
            "half a pair of UTF-16",
            False,
            _hex("eda080", "edadbf", "edae80", "edafbf", "edb080", "edbe80", "edbfbf"),
        ),
        (
            "6.21",
            "a pair of UTF-16",
            False,
            _hex(
                *(
                    first + second
                    for first in ("eda080", "edadbf", "edae80", "edafbf")
                    for second in ("edb080", "edbfbf")
                )
            ),
        ),
        (
            "6.22",
            "what is no character in any plane, and is a code all the same",
            True,
            _whole(*(plane << 16 | last for plane in range(17) for last in (0xFFFE, 0xFFFF))),
        ),
        ("6.23", "characters that stand for none", True, _whole(*range(0xFFF9, 0x10000))),
    )
}
