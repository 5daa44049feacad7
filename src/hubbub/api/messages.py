"""Messages over HTTP: post them, read them back, wait for the next."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from hubbub.api import lists
from hubbub.api.answer import Answer, Headers, created
from hubbub.api.call import Call, Unfinished
from hubbub.api.errors import limit_field, policy_field
from hubbub.api.wanted import inbox_of
from hubbub.domain.errors import BadInput, HubbubError, NoSuchMessage, NotSignedIn
from hubbub.domain.events import Event, Posted
from hubbub.domain.ids import LogId, RoomId, room_log
from hubbub.domain.policy import check_key
from hubbub.protocol.cursor import format_cursor, parse_cursor, parse_seq
from hubbub.protocol.frames import LogFrame, NewMessage, encode, event_frame, gap_frame
from hubbub.service.paging import DEFAULT_LIMIT
from hubbub.storage.base import Page

T = TypeVar("T")


class MessagesQuery(msgspec.Struct, frozen=True, kw_only=True):
    after: str | None = None
    """A cursor, or a bare seq: the oldest messages after it, so that nothing is left out."""
    before: str | None = None
    """A cursor, or a bare seq: the newest messages before it."""
    limit: Annotated[int, Meta(ge=1, le=lists.MAX)] = DEFAULT_LIMIT
    """The most messages to answer with."""
    wait: Annotated[float, Meta(ge=0)] = 0
    """With `after`: the seconds to wait for something when there is nothing yet. The server has a maximum."""


# -- reading ----------------------------------------------------------------


async def list_room(call: Call, query: MessagesQuery) -> Answer:
    room = RoomId(call.part("roomId"))
    read = call.context.history.room(room, **_place(call, query))
    return _page(call, query, await _unless_gone(call, query, read))


async def list_inbox(call: Call, query: MessagesQuery) -> Answer:
    read = call.context.history.inbox(call.caller.session.user, **_place(call, query))
    return _page(call, query, await _unless_gone(call, query, read))


async def list_conversation(call: Call, query: MessagesQuery) -> Answer:
    peer = await call.context.accounts.user(call.part("userId"))
    read = call.context.history.conversation(call.caller.session.user, peer.name, **_place(call, query))
    return _page(call, query, await _unless_gone(call, query, read))


async def read_room_message(call: Call) -> Answer:
    event = await call.context.history.message(RoomId(call.part("roomId")), _seq(call))
    return lists.tagged(call, encode(event_frame(event)), tag=event.id)


async def read_inbox_message(call: Call) -> Answer:
    event = await call.context.history.direct_message(call.caller.session.user, _seq(call))
    return lists.tagged(call, encode(event_frame(event)), tag=event.id)


def _seq(call: Call) -> int:
    seq = parse_seq(call.part("seq"))
    if seq is None:
        raise NoSuchMessage("Messages are numbered from 1 up.")
    return seq


def _place(call: Call, query: MessagesQuery) -> dict[str, Any]:
    longest = call.context.settings.max_wait_seconds
    wait_seconds = 0 if call.scope["method"] == "HEAD" else min(query.wait, longest)
    return {
        "after": query.after,
        "before": query.before,
        "limit": query.limit,
        "wait_seconds": wait_seconds,
    }


async def _unless_gone(call: Call, query: MessagesQuery, read: Coroutine[Any, Any, T]) -> T:
    """What `read` gives. A long poll ends with its client, and with its session as every live stream does.
    It counts as one of the session's.

    Raises Unfinished, NotSignedIn, TooMany, ShuttingDown.
    """
    if not query.wait:
        return await read
    connections, session = call.context.connections, call.caller.session
    try:
        connections.hold(session.id)
    except HubbubError:
        read.close()
        raise
    reading = asyncio.create_task(read)
    gone = asyncio.create_task(_gone(call))
    over = _Over()
    call.context.accounts.watch(session, over)
    try:
        await asyncio.wait((reading, gone, over.reason), return_when=asyncio.FIRST_COMPLETED)
        if over.reason.done():
            raise NotSignedIn(f"Your session has ended ({over.reason.result()}); sign in again.")
        if not reading.done():
            raise Unfinished
        return reading.result()
    finally:
        call.context.accounts.unwatch(session, over)
        connections.let_go(session.id)
        for task in (reading, gone):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await gone


class _Over:
    """What of a long poll hangs on its session."""

    def __init__(self) -> None:
        self.reason: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def end(self, reason: str) -> None:
        if not self.reason.done():
            self.reason.set_result(reason)


async def _gone(call: Call) -> None:
    while (await call.receive())["type"] != "http.disconnect":
        pass


def _page(call: Call, query: MessagesQuery, page: Page) -> Answer:
    """A page as a plain array, a removed range in its place; its ETag is the cursor at the head."""
    frames: list[LogFrame] = [event_frame(event) for event in page.events]
    if page.gap is not None:
        frames.insert(0, gap_frame(page.gap))
    tag = format_cursor(call.context.info.epoch, page.head)
    return lists.tagged(call, encode(frames), tag=tag, links=_links(call, query, page))


def _links(call: Call, query: MessagesQuery, page: Page) -> list[str]:
    if not page.events:
        return []
    epoch = call.context.info.epoch
    first, last = page.events[0].seq, page.events[-1].seq
    reads_on = query.after is not None
    links = []
    if page.more if reads_on else query.before is not None and last < page.head:
        links.append(lists.link(call, query, "next", after=format_cursor(epoch, last)))
    if first > 1 if reads_on else page.more:
        links.append(lists.link(call, query, "prev", before=format_cursor(epoch, first)))
    return links


# -- posting ----------------------------------------------------------------


async def post_to_room(call: Call, given: NewMessage) -> Answer:
    room = call.part("roomId")
    posted = await _post(call, room_log(room), given.text, _expected_head(call))
    return _posted(call, posted, f"{call.url}/room/{room}/messages/")


async def post_to_user(call: Call, given: NewMessage) -> Answer:
    """The answer is the sender's own copy, at its address in the sender's inbox."""
    if "if-match" in call.headers:
        raise BadInput("Only a post to a room can depend on its head.", field="If-Match")
    posted = await _post(call, inbox_of(call.part("userId")), given.text, None)
    return _posted(call, posted, f"{call.url}/inbox/messages/")


async def _post(call: Call, place: LogId, text: str, expected_head: int | None) -> Posted:
    key = call.headers.get("idempotency-key")
    if key is not None:
        check_key(key, field="Idempotency-Key")
    return await call.context.posting.posted(
        place, call.caller.session.user, text, key=key, expected_head=expected_head
    )


def _posted(call: Call, posted: Posted, addresses: str) -> Answer:
    """201, for a repeated post the same as the first time (its answer is made of what was stored)."""
    event = posted.receipt
    return created(encode(event_frame(event)), f"{addresses}{event.seq}", _limit(call, event))


def _limit(call: Call, event: Event) -> Headers:
    allowance = call.context.limits.posts.peek(event.sender)
    policy = allowance.policy
    if policy is None:
        return ()
    return (
        (b"ratelimit-policy", policy_field(policy.name, policy.quota, policy.window_seconds)),
        (b"ratelimit", limit_field(policy.name, allowance.remaining, allowance.reset_seconds)),
    )


def _expected_head(call: Call) -> int | None:
    """The head that If-Match asks for: `"15"`, or the ETag of a list. Raises BadInput, StaleCursor.

    The comparison is the strong one (RFC 9110, section 13.1.1): a weak tag matches nothing.
    """
    given = call.headers.get("if-match")
    if given is None or given.strip() == "*":
        return None
    tag = given.strip()
    if len(tag) < 3 or tag[0] != '"' or tag[-1] != '"':
        raise BadInput(
            'If-Match is one head in quotes, as in `"15"`, or the ETag of a list.', field="If-Match"
        )
    return parse_cursor(tag[1:-1], call.context.info.epoch, field="If-Match")
