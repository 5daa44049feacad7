"""Long lists, read a page at a time and only as far as somebody goes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import httpx2
import msgspec

from hubbub.client.places import Event
from hubbub.client.requests import read
from hubbub.protocol.frames import After, ConversationBody, FollowedBody, GapFrame, RoomBody, UserBody

PAGE = 200
"""Of 500 at most; one of long texts ends earlier."""

Fetch = Callable[[str, dict[str, str]], Awaitable[httpx2.Response]]

T = TypeVar("T")

decode_events = msgspec.json.Decoder(list[Event]).decode
decode_rooms = msgspec.json.Decoder(list[RoomBody]).decode
decode_marks = msgspec.json.Decoder(list[FollowedBody]).decode
decode_conversations = msgspec.json.Decoder(list[ConversationBody]).decode
decode_people = msgspec.json.Decoder(list[UserBody]).decode


async def onward(fetch: Fetch, path: str, after: After) -> AsyncIterator[Event]:
    """What follows `after`, oldest first, up to what is there when the last page is read."""
    while True:
        answer = await fetch(path, {"after": str(after), "limit": str(PAGE)})
        page = read(answer, decode_events)
        for event in page:
            yield event
        if not page or "next" not in answer.links:
            return
        after = _behind(after, _end(page[-1]))


async def backward(fetch: Fetch, path: str, before: After | None) -> AsyncIterator[Event]:
    """What comes before `before`, or all there is: newest first."""
    query = {"limit": str(PAGE)}
    while True:
        answer = await fetch(path, query if before is None else query | {"before": str(before)})
        page = read(answer, decode_events)
        for event in reversed(page):
            yield event
        if not page or "prev" not in answer.links:
            return
        before = _behind(before or 0, _start(page[0]))


async def listed(
    fetch: Fetch, path: str, prefix: str, decode: Callable[[bytes], list[T]], name: Callable[[T], str]
) -> AsyncIterator[T]:
    """A list in alphabetical order; `name` is what the next page goes on after."""
    query: dict[str, str] = {"limit": str(PAGE)} | ({"prefix": prefix} if prefix else {})
    while True:
        answer = await fetch(path, query)
        page = read(answer, decode)
        for item in page:
            yield item
        if not page or "next" not in answer.links:
            return
        query = query | {"after": name(page[-1])}


def _start(event: Event) -> int:
    return event.first if isinstance(event, GapFrame) else event.seq


def _end(event: Event) -> int:
    return event.last if isinstance(event, GapFrame) else event.seq


def _behind(cursor: Any, seq: int) -> After:
    """`seq`, in the epoch of the cursor that led here."""
    epoch, colon, _ = str(cursor).rpartition(":")
    return f"{epoch}{colon}{seq}" if colon else seq
