"""What `hubbub post` and `hubbub dm` say: words, all of standard input, or each of its lines.

Checked before it is sent where that can be known: a text that is too long is refused, never cut or split.
"""

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter

from hubbub.cli import STDIN, output
from hubbub.cli.errors import Failed, Misused
from hubbub.domain.errors import BadInput, TooLarge
from hubbub.domain.policy import MAX_KEY_CHARACTERS, MAX_TEXT_BYTES, check_key, check_text

if TYPE_CHECKING:
    from hubbub.client import Client, Room

Lines = Annotated[
    bool,
    Parameter(help="Each line of standard input as a message, as it comes."),
]
Key = Annotated[
    str | None,
    Parameter(help="The post's own name: the same post is stored once, also by another run.", metavar="KEY"),
]

_LINE_NUMBER_CHARACTERS = 12
_CHUNK_BYTES = 65_536
_LONGEST_LINE_BYTES = 4 * MAX_TEXT_BYTES


class Said(msgspec.Struct, frozen=True, kw_only=True):
    text: str | None
    """None: the lines of standard input, as they come."""
    key: str | None


def said(words: Sequence[str], *, lines: bool, key: str | None) -> Said:
    """What is to be posted; reads standard input unless its lines are posted as they come.

    Raises Misused for what makes no sense, Failed for what cannot be a message.
    """
    if key is not None:
        try:
            check_key(key)
        except BadInput as error:
            raise Misused(str(error)) from None
        if lines and len(key) > MAX_KEY_CHARACTERS - _LINE_NUMBER_CHARACTERS:
            raise Misused("--key with --lines is followed by the line's number and has to be shorter")
    from_stdin = tuple(words) in ((), (STDIN,))
    if lines and not from_stdin:
        raise Misused("--lines reads standard input, and there is text as well")
    if STDIN in words and not from_stdin:
        raise Misused("- stands for standard input, and there is text as well")
    if from_stdin and sys.stdin is None:  # closed before we began
        raise Failed("there is no standard input to read")
    if not words and sys.stdin.isatty():
        raise Misused("what is to be posted? give the text, or - to type it here, up to Ctrl-D")
    if lines:
        return Said(text=None, key=key)
    return Said(text=_checked(_all_of_stdin() if from_stdin else " ".join(words)), key=key)


async def send(
    client: "Client", what: Said, *, room: "Room | None" = None, to: str | None = None, json: bool
) -> int:
    """Post it. Raises ClientError, Failed."""
    mine = _Mine()

    async def one(text: str, key: str | None) -> None:
        receipt = await client.post(text, room=room, to=to, key=key)
        mine.posted(receipt.seq)
        if json:
            try:
                output.write_json(msgspec.json.encode(receipt))
            except output.ReaderGone:  # what is left to post is posted all the same
                output.let_go()

    await _each(what, one)
    from hubbub.protocol.frames import RoomBody
    from hubbub.terminal.unread import keep_read

    if isinstance(room, RoomBody) and mine.last:
        await keep_read(client, room.id, mine.first, mine.last)
    return 0


class _Mine:
    """The last of one's own posts that nobody else's stands between."""

    def __init__(self) -> None:
        self.first = 0
        self.last = 0

    def posted(self, seq: int) -> None:
        if seq != self.last + 1:
            self.first = seq
        self.last = seq


async def _each(what: Said, one: Callable[[str, str | None], Awaitable[None]]) -> None:
    if what.text is not None:
        await one(what.text, what.key)
        return
    number = 0
    async for line in _lines_of_stdin():
        number += 1
        if not line:
            continue  # a message has some text
        try:
            await one(_checked(line), None if what.key is None else f"{what.key}:{number}")
        except Failed as failed:
            raise Failed(f"line {number}: {failed}; those before it are posted") from None


def _checked(text: str) -> str:
    try:
        check_text(text)
    except (BadInput, TooLarge) as error:
        raise Failed(str(error)) from None
    return text


def _all_of_stdin() -> str:
    content = sys.stdin.buffer.read(_LONGEST_LINE_BYTES)
    return _text(content)


def _text(content: bytes) -> str:
    """What is not UTF-8 becomes U+FFFD; the end of the last line is not part of a message."""
    return content.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")


async def _lines_of_stdin() -> AsyncIterator[str]:
    """Lines as they come, never waiting for the next one with one in hand."""
    rest = b""
    async for chunk in _chunks():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield _text(line)
        if len(rest) > _LONGEST_LINE_BYTES:
            yield _text(rest)  # too long however it ends: it is refused
    if rest:
        yield _text(rest)


async def _chunks() -> AsyncIterator[bytes]:
    """Standard input, read by a thread: nothing else can wait for a file, a pipe and a terminal alike."""
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[bytes | OSError] = asyncio.Queue()
    wanted = threading.Semaphore(1)
    number = sys.stdin.fileno()

    def read() -> None:
        chunk: bytes | OSError = b"-"
        while chunk and not isinstance(chunk, OSError):
            wanted.acquire()
            try:
                chunk = os.read(number, _CHUNK_BYTES)
            except OSError as error:
                chunk = error
            try:
                loop.call_soon_threadsafe(arrived.put_nowait, chunk)
            except RuntimeError:
                return  # the command has ended

    # A daemon: whoever presses Ctrl-C does not wait for the next line.
    threading.Thread(target=read, name="stdin", daemon=True).start()
    while chunk := await arrived.get():
        if isinstance(chunk, OSError):
            raise Failed(f"cannot read standard input: {chunk.strerror or chunk}")
        yield chunk
        wanted.release()
