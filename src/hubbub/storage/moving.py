"""Moving a store to another place, where it goes on as the same: the same numbers, and the same epoch.

Nobody could tell two stores of one epoch apart that both go on. So both ends of a move carry a mark from its
beginning on, and a store with a mark is not served from. The target's goes when all has arrived; the
source's stays.

Always true: of the two ends at most one can be served from, and only what is whole; and a target is gone on
with only from the very source that it was begun with, which nobody has written to since.
"""

from collections.abc import Awaitable, Callable
from typing import Literal, Protocol

import msgspec

from hubbub.storage.copying import Source, Target, Told, compare, copy
from hubbub.storage.errors import StoreUnusable


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """That a store is one end of a move."""

    move: str
    """Which: the same at both ends, and another for each move."""
    end: Literal["source", "target"]
    other: str
    """Where the other end lies."""
    finished: bool = False
    """Of a source: all has arrived."""


class End(Protocol):
    """A store that nobody serves from while it is open. Raises StoreInUse, StoreUnusable."""

    @property
    def where(self) -> str:
        """Where it lies, in words that anyone may see."""
        ...

    @property
    def unmark(self) -> str:
        """What somebody has to do to remove a mark by hand, in half a sentence."""
        ...

    async def mark(self) -> Mark | None: ...

    async def set_mark(self, mark: Mark) -> None:
        """Durably."""
        ...

    async def close(self) -> None: ...


class From(End, Source, Protocol):
    """A store that is moved."""

    async def open(self) -> None:
        """Have it in the form that this code reads."""
        ...


class To(End, Target, Protocol):
    """Where it is moved to."""

    async def holds(self) -> bool:
        """Whether there is a store, or anything that stands in the way of one."""
        ...

    async def open(self) -> None:
        """Make the tables, unless they are there."""
        ...

    async def finish(self) -> None:
        """Be a store, and no end of a move any more: durably."""
        ...


class Moved(Exception):
    """There is nothing to do: the very same move was finished before."""


async def begin(source: From, target: To, move: str, check: Callable[[], Awaitable[None]]) -> bool:
    """Mark both ends, if `check` finds no fault with the source. `move` names this one, if it is new.

    Whether it goes on with what is there. Raises Moved, StoreUnusable.
    """
    ours, theirs = await source.mark(), await target.mark()
    if ours is not None and ours.end == "target":
        raise StoreUnusable(refusal(ours, source))
    if theirs is not None:
        _check_same(ours, theirs, source, target)
        await source.open()
        await target.open()
        return True
    if ours is not None and ours.finished and await target.holds() and ours.other == target.where:
        raise Moved
    if ours is not None and ours.finished:
        raise StoreUnusable(refusal(ours, source))
    if await target.holds():
        raise StoreUnusable(f"There is a store in {target.where} already; nothing was written.")
    await source.open()
    await check()
    # The source first: a target without it is never gone on with.
    await source.set_mark(Mark(move=move, end="source", other=target.where))
    await target.set_mark(Mark(move=move, end="target", other=source.where))
    await target.open()
    return False


def _check_same(ours: Mark | None, theirs: Mark, source: From, target: To) -> None:
    if theirs.end == "source":
        raise StoreUnusable(
            f"What lies in {target.where} was moved away from there, to {theirs.other}; put it aside first."
        )
    if ours is None or ours.move != theirs.move:
        raise StoreUnusable(
            f"In {target.where} there is a part of another move, from {theirs.other}, or of one from here"
            " that was given up; remove it first."
        )


async def carry(source: From, target: To, copied: Told, compared: Told) -> None:
    """Bring over what is missing, and hold all of it against the source. Raises StoreUnusable."""
    await copy(source, target, copied)
    await compare(source, target, compared)


async def end(source: From, target: To) -> None:
    """From here on the target is the store."""
    mark = await source.mark()
    assert mark is not None, "a move that has begun is marked"
    await source.set_mark(msgspec.structs.replace(mark, finished=True))
    await target.finish()


def refusal(mark: Mark, at: End) -> str:
    """Why nobody may serve from a store with a mark."""
    return why_not(mark, at.where, at.unmark)


def why_not(mark: Mark, where: str, unmark: str) -> str:
    if mark.end == "target":
        return f"A move from {mark.other} to {where} was not finished; run hubbub move again."
    if not mark.finished:
        return (
            f"A move from {where} to {mark.other} was begun; run hubbub move again. To give it up, and serve "
            f"from here, {unmark}."
        )
    return (
        f"The store in {where} was moved to {mark.other}, and is served from there. Two that both go on"
        f" cannot be told apart; only if that one never was served from, {unmark} to serve from here."
    )
