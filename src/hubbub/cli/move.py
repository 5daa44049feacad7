"""`hubbub move`: a store to another place, where it goes on as if nothing had happened."""

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hubbub.cli.asked import Place
from hubbub.cli.errors import Failed, Misused
from hubbub.cli.places import moved_from, moved_to, place
from hubbub.cli.verify import show, verified
from hubbub.storage.copying import TABLES, Table, Told
from hubbub.storage.moving import Moved, begin, carry, end

_TOLD_SECONDS = 10.0
"""Between two lines, where there is no terminal to show how far it is."""


def move(
    *,
    source: Annotated[
        str,
        Parameter(name="--from", help="A data directory, or a postgresql:// URL.", metavar="WHERE"),
    ],
    to: Annotated[
        str, Parameter(help="Another, in which there is no store: a directory is made.", metavar="WHERE")
    ],
) -> int:
    """Bring a store to another place, where it goes on with all it has: clients notice nothing.

    No server may use it meanwhile. Interrupted, it goes on where it was when it is run again.
    """
    whence, whither = place(source), place(to)
    if whence == whither:
        raise Misused("--from and --to are the same")
    return asyncio.run(_move(whence, whither, Console(stderr=True)))


async def _move(whence: Place, whither: Place, told: Console) -> int:
    async with AsyncExitStack() as stack:
        source = await moved_from(whence)
        stack.push_async_callback(source.close)
        target = await moved_to(whither)
        stack.push_async_callback(target.close)

        try:
            goes_on = await begin(source, target, os.urandom(8).hex(), partial(_check, whence, told))
        except Moved:
            print(f"{whence} was moved to {whither} before; there is nothing to do")
            return 0
        if goes_on:
            print(f"going on with the move from {whence} to {whither}")
        counts = {table.name: await source.count(table) for table in TABLES}
        there = sum([await target.count(table) for table in TABLES])
        with shown(told, sum(counts.values()), there) as (copied, compared):
            await carry(source, target, copied, compared)
        await end(source, target)
    print(f"moved {whence} to {whither}: {counts['events']:,} events in {counts['logs']:,} logs")
    print(f"{whence} is kept as it was, and cannot be served from any more")
    return 0


async def _check(whence: Place, told: Console) -> None:
    """Raises Failed for a store that is not whole."""
    report = await verified(whence, told)
    if not report.whole:
        show(told, report)
        raise Failed(
            f"{whence} is not whole, and nothing was moved; see docs/operations.md, When something is damaged"
        )


@contextmanager
def shown(told: Console, rows: int, there: int) -> Iterator[tuple[Told, Told]]:
    """What is told of rows that are copied, of which some are `there`, and of rows that are compared."""
    if not told.is_terminal:
        yield _lines(told, "copied", rows, there), _lines(told, "compared", rows, 0)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=told, transient=True) as progress:
        copying = progress.add_task("copying", total=rows, completed=there)
        comparing = progress.add_task("comparing", total=rows)
        yield (
            lambda table, count: progress.advance(copying, count),
            lambda table, count: progress.advance(comparing, count),
        )


def _lines(told: Console, verb: str, rows: int, done: int) -> Told:
    """A line now and then, and one at the end."""
    at = time.monotonic()

    def tell(table: Table, count: int) -> None:
        nonlocal done, at
        done += count
        if done == rows or time.monotonic() - at >= _TOLD_SECONDS:
            at = time.monotonic()
            told.print(f"{verb} {done:,} of {rows:,} rows", highlight=False)

    return tell
