"""What a client says over WebSocket: a request, an answerable mistake, or the end of the connection.

An independent reader, the one of the standard library, has to find the same in it.
"""

import json
from collections.abc import Iterator
from json.decoder import py_scanstring
from json.scanner import py_make_scanner
from typing import Any

from hubbub.api.errors import error_frame
from hubbub.domain.errors import BadInput
from hubbub.protocol.dialogue import NOT_UNDERSTOOD, NOT_UTF8, Ask, Close, Dialogue
from hubbub.protocol.frames import MAX_REF_CHARACTERS, Post, Subscribe, Unsubscribe, encode

MOST_DIGITS = 4300
"""Of a number; Python makes none of more."""

_READER = json.JSONDecoder()
# As it is written in Python: what a fuzzer is to be led by has to be seen.
_READER.parse_string = py_scanstring
_READER.scan_once = py_make_scanner(_READER)

_TYPES = {Post: "post", Subscribe: "subscribe", Unsubscribe: "unsubscribe"}


def try_one(data: bytes) -> None:
    dialogue = Dialogue()
    try:
        ask = dialogue.receive(data)
    except Close as close:
        _is_an_end(close, data)
        assert dialogue.waiting == 0
        return
    assert dialogue.waiting == 1
    assert _is_utf8(data)
    said = _read(data.decode())
    assert isinstance(said, dict)
    if isinstance(ask.request, BadInput):
        _is_answerable(dialogue, ask, said)
    else:
        _is_the_same(ask.request, said)
        assert ask.ref == ask.request.ref
        _is_answerable(dialogue, ask, said)


def _read(text: str) -> Any:
    try:
        return _READER.decode(text)
    except RecursionError:
        return json.loads(text)


def _is_an_end(close: Close, data: bytes) -> None:
    assert close.code == (NOT_UTF8 if not _is_utf8(data) else NOT_UNDERSTOOD)
    assert len(close.reason.encode()) <= 123, "a close frame would not hold it"


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_the_same(request: Any, said: dict[str, Any]) -> None:
    assert said["type"] == _TYPES[type(request)]
    for name in request.__struct_fields__:
        value = getattr(request, name)
        if name in said:
            assert value == said[name], f"{name}: {value!r}"
            assert type(value) in (type(said[name]), float)
        else:
            assert value in (None, False)


def _is_answerable(dialogue: Dialogue, ask: Ask, said: dict[str, Any]) -> None:
    """The reply carries the ref as it was given, and no more than a ref may be."""
    error = ask.request if isinstance(ask.request, BadInput) else BadInput("no")
    answer = encode(error_frame(ask.ref, error))
    frame = json.loads(answer)
    assert frame.get("ref") == said.get("ref"), "the ref is not echoed"
    ref = frame.get("ref")
    assert not isinstance(ref, str) or len(ref) <= MAX_REF_CHARACTERS
    assert len(answer) < MOST_DIGITS + 10 * MAX_REF_CHARACTERS, "a reply has a bound, whatever it echoes"
    assert [due is ask for due in dialogue.answer(ask, answer)] == [True]
    assert dialogue.waiting == 0


def seeds() -> Iterator[bytes]:
    for members in (
        {"type": "post", "ref": 1, "room": "R", "text": "hi"},
        {"type": "post", "ref": "a", "to": "bob", "text": "κόσμε", "key": "k1"},
        {"type": "post", "ref": 1.5, "room": "R", "text": "x", "if_head": 3},
        {"type": "post", "ref": None, "room": "R", "text": "x", "if_head": "epoch:3"},
        {"type": "subscribe", "ref": -1, "room": "R", "after": 12},
        {"type": "subscribe", "ref": 2**64, "inbox": True, "after": "epoch:12"},
        {"type": "unsubscribe", "ref": 2**53, "room": "R", "inbox": False},
        {"type": "post", "ref": 1, "room": "R"},
        {"type": "post", "ref": 1, "text": 7},
        {"type": "dance", "ref": "x" * 256},
        {"ref": 1},
        {},
    ):
        yield json.dumps(members).encode()
        yield json.dumps(members, ensure_ascii=False, indent=1).encode()
    yield b'{"type":"post","type":"subscribe","ref":1,"ref":2,"inbox":true}'
    yield b'{"ref":1e999,"type":"post","text":"x"}'
    yield b'{"ref":' + b"9" * 400 + b',"type":"unsubscribe","inbox":true}'
    yield b'{"text":"\\ud83d\\ude00\\ud800","type":"post"}'
    yield b"[" * 2000
    yield b'{"a":' * 500 + b"1" + b"}" * 500
    yield b'{"a":' * 1500


WORDS = (
    *(b'"%b"' % word for word in (b"type", b"ref", b"room", b"inbox", b"to", b"text", b"key", b"if_head")),
    *(b'"%b"' % word for word in (b"after", b"post", b"subscribe", b"unsubscribe", b"hello", b"", b"0")),
    *(b"{", b"}", b"[", b"]", b":", b",", b"true", b"false", b"null", b"\\u0000", b"\\ud800", b"\\udc00"),
    *(b"-0", b"-0.0", b"1e308", b"1e999", b"-1", b"0.1", b"9223372036854775808", b"18446744073709551616"),
    *(b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xf4\x8f\xbf\xbf", b"\xc0\x80", b"\\/", b"\x7f", b"\x00"),
)
