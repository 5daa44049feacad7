"""What `hubbub tail`, `dm` and `inbox` have in common: events out, for people or as JSON, and where they end.

An event is written and flushed before the cursor that lies behind it is saved. So a run that is killed leaves
nothing out; and it repeats one event at most, when it is killed between the two.
"""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from cyclopts import Parameter

from hubbub.cli import output
from hubbub.cli.errors import Misused
from hubbub.terminal import Cursors

if TYPE_CHECKING:
    from hubbub.client import Client, Event, Log, Transport
    from hubbub.terminal.shown import Shown
    from hubbub.terminal.unread import Marking, Unread

Last = Annotated[int, Parameter(name=("-n", "--last"), help="How many of the last messages to begin with.")]
Since = Annotated[
    str | None,
    Parameter(
        help="Begin after this number of a message instead; with all, at the first message; with saved, "
        "where the last run with --resume ended.",
        metavar="N|all|saved",
    ),
]
Resume = Annotated[
    bool,
    Parameter(
        help="Go on where the last such run ended, and remember where this one does.",
    ),
]
CursorName = Annotated[
    str,
    Parameter(name="--cursor", help="What --resume remembers it by, when there are several.", metavar="NAME"),
]
Mark = Annotated[
    bool,
    Parameter(help="Note what was shown as read, on all your devices."),
]
Via = Annotated[
    Literal["ws", "sse", "ndjson"], Parameter(name="--transport", help="How to listen.", show=False)
]

_SYNC_SECONDS = 1.0
"""A saved cursor may be this much behind after the machine fell, which repeats and leaves nothing out."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Where to begin and how far to go, valid."""

    last: int = 20
    after: int | None = None
    """Instead of the last few: after this number, where nothing was saved."""
    since: int | Literal["saved"] | None = None
    follow: bool
    resume: bool = False
    cursor: str
    transport: "Transport" = "ws"


def wanted(
    *, last: int, since: str | None, follow: bool, resume: bool, cursor: str, transport: "Transport"
) -> Wanted:
    """Raises Misused."""
    if last < 0:
        raise Misused("-n: a number from 0")
    after: int | Literal["saved"] | None
    if since is None:
        after = None
    elif since == "saved":
        after = "saved"
    elif since == "all":
        after = 0
    elif since.isascii() and since.isdigit():
        after = int(since)
    else:
        raise Misused("--since: a message's number, all or saved")
    return Wanted(last=last, since=after, follow=follow, resume=resume, cursor=cursor, transport=transport)


class Printer:
    """Puts events on standard output, and notes them as read when that is wanted."""

    def __init__(self, shown: "Shown | None", unread: "Unread | None", marking: "Marking | None") -> None:
        """`shown`: for people; None for JSON, as on the wire."""
        self._shown = shown
        self._unread = unread
        self._marking = marking

    def put(self, event: "Event") -> None:
        """When this returns, whoever reads has it, or can have it."""
        if self._shown is None:
            output.write_json(msgspec.json.encode(event))
        else:
            new = self._unread is not None and self._unread(event)
            output.write(self._shown.show(event, unread=new))
        if self._marking is not None:
            self._marking.shown(event)


@asynccontextmanager
async def printing(
    client: "Client",
    me: str,
    *,
    json: bool,
    mark: bool,
    rooms: Mapping[str, str] | None = None,
    people: bool = False,
    told: bool = False,
) -> AsyncIterator[Printer]:
    """A printer for what `me` reads in rooms, with people, or both. `told`: name the room of each event."""
    from hubbub.terminal.unread import Marking, unread

    look = output.is_terminal() and not json  # elsewhere a line begins with its date
    new = await unread(client, me, rooms=bool(rooms), people=people) if look else None
    shown = None if json else shown_here(me, rooms if told else None)
    if not mark:
        yield Printer(shown, new, None)
        return
    async with Marking(client, me).going() as marking:
        yield Printer(shown, new, marking)


def shown_here(me: str, rooms: Mapping[str, str] | None = None) -> "Shown":
    """For people on standard output: at a terminal they are called "you", in a file by name."""
    from hubbub.terminal.shown import Shown

    wrapped = output.is_terminal()
    return Shown(output.console(), wrapped=wrapped, rooms=rooms, me=me if wrapped else "")


async def follow(
    client: "Client",
    who: tuple[str, str],
    rooms: Sequence[str],
    put: Callable[["Event"], None],
    want: Wanted,
    *,
    inbox: bool,
) -> None:
    """Hand events to `put`, and remember where that ended when that is wanted.

    `who`: the server and the user, whose cursor it is. Raises ClientError, TerminalError.
    """
    from hubbub.terminal.reading import Feed, ask_heads

    cursors = Cursors(*who, want.cursor)
    with cursors.alone() if want.resume else nullcontext():
        saved = cursors.load() if want.resume or want.since == "saved" else {}
        heads = await ask_heads(client, rooms, inbox=inbox)
        feed = Feed(_starts(heads, saved, want), heads)
        remember = _Remember(cursors, saved, feed.cursors) if want.resume else None
        early: list[Event] = []
        mixed = len(heads) > 1 and not want.resume and want.since is None
        try:
            async for event in feed.events(client, follow=want.follow, transport=want.transport):
                if mixed and (feed.behind or early):
                    # The past of several logs, in the order in which it was said and not one after the other.
                    early.append(event)
                    if not feed.behind:
                        for each in sorted(early, key=_moment):
                            put(each)
                        early, mixed = [], False
                    continue
                mixed = False
                put(event)
                if remember is not None:
                    feed.done(event)
                    remember(lasting=False)
        finally:
            if remember is not None:
                remember(lasting=True)


def _starts(heads: Mapping["Log", str], saved: Mapping["Log", str], want: Wanted) -> dict["Log", str]:
    from hubbub.terminal.reading import at, before

    if isinstance(want.since, int):
        if want.since and len(heads) > 1:
            raise Misused("--since with a number: of one room, for each counts its own")
        return {log: at(head, want.since) for log, head in heads.items()}

    def fresh(head: str) -> str:
        return before(head, want.last) if want.after is None else at(head, want.after)

    return {log: saved.get(log) or fresh(head) for log, head in heads.items()}


class _Remember:
    """Saves where reading stands; the places of logs that are not read this time stay as they were."""

    def __init__(
        self,
        cursors: Cursors,
        saved: Mapping["Log", str],
        now: Callable[[], dict["Log", str | None]],
    ) -> None:
        self._cursors = cursors
        self._others = saved
        self._now = now
        self._synced = 0.0

    def __call__(self, *, lasting: bool) -> None:
        if time.monotonic() - self._synced > _SYNC_SECONDS:
            lasting = True
        self._cursors.save({**self._others, **self._now()}, lasting=lasting)
        if lasting:
            self._synced = time.monotonic()


def _moment(event: "Event") -> str:
    """A gap has none: it comes first."""
    return getattr(event, "sent_at", "")
