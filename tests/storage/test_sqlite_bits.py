"""One bit of the database file flips: what is given out is right, or nothing is; and a walk notices.

More flips than in a usual run: HUBBUB_BIT_FLIPS=20000, of another seed: HUBBUB_BIT_SEED=2.
"""

import asyncio
import os
import shutil
import time
from random import Random
from typing import NamedTuple

import pytest

from hubbub.domain.errors import Damaged, StorageFailed
from hubbub.domain.events import Event, Gap
from hubbub.domain.ids import LogId, inbox_log
from hubbub.storage.base import EVERYTHING, RECEIVED, Between, View
from hubbub.storage.errors import StoreUnusable
from hubbub.storage.sqlite import SqliteStore
from hubbub.storage.sqlite.auditing import SqliteAudit
from hubbub.verify import Walk

from .conftest import furnish
from .drafting import ATTIC, LOUNGE, draft, post

FLIPS = int(os.environ.get("HUBBUB_BIT_FLIPS", "300"))
SEED = int(os.environ.get("HUBBUB_BIT_SEED", "1"))

ADA, BOB = inbox_log("ada"), inbox_log("bob")
LOGS = [LOUNGE, ATTIC, ADA, BOB]
LISTS = [(ADA, RECEIVED), (BOB, RECEIVED), (ADA, Between("bob")), (BOB, Between("ada"))]
PAGE = 4096
REFUSALS = (Damaged, StorageFailed, StoreUnusable)


def open_store(directory):
    return SqliteStore.open(
        directory, now_ms=lambda: 1, randomness=Random(3).randbytes, on_broken=lambda failure: None
    )


class Sound(NamedTuple):
    content: bytes
    """Of the database's file, which is all there is of the store."""
    logs: dict[LogId, tuple]
    lists: dict[tuple[LogId, View], list[Event]]


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Sound:
    """A store of some forty pages, and all that can be read from it."""
    directory = tmp_path_factory.mktemp("sound") / "store"

    async def make() -> Sound:
        store = open_store(directory)
        await furnish(store)
        chance = Random(5)
        for n in range(140):
            texts = [chance.randbytes(chance.randrange(1, 120)).hex() for _ in LOGS]
            senders = ["ada", "ada", "bob", "ada"]
            key = f"key {n}" if n % 2 else None
            post(
                store,
                *(
                    draft(log, text, sender=sender, key=key, at=1_000 + n)
                    for log, text, sender in zip(LOGS, texts, senders, strict=True)
                ),
            )
        await store.trim(sent_before_ms=1_030, limit=20)
        logs = {log: await read(store, log) for log in LOGS}
        lists = {(log, view): (await read(store, log, view))[0] for log, view in LISTS}
        await store.close()
        return Sound((directory / "hubbub.db").read_bytes(), logs, lists)

    return asyncio.run(make())


async def read(store, log, view=EVERYTHING) -> tuple[list[Event], Gap | None, int]:
    """All there is to read of a log."""
    found: list[Event] = []
    gap = None
    while True:
        page = await store.page(log, view=view, after=found[-1].seq if found else 0)
        gap = gap or page.gap
        found += page.events
        if not page.more:
            return found, gap, page.head


async def is_refused(where, sound: Sound) -> bool:
    """Read everything from a store; whether any of it was withheld. What was not has to be right."""
    refused = False
    try:
        store = open_store(where)
    except REFUSALS:
        return True
    for log, right in sound.logs.items():
        try:
            if await store.head(log) is None:  # not found: nobody is told anything of it
                refused = True
                continue
            assert await read(store, log) == right
        except REFUSALS:
            refused = True
    for (log, view), right in sound.lists.items():
        try:
            found, _, _ = await read(store, log, view)
            assert [event for event in found if event not in right] == []
            refused |= len(found) < len(right)
        except REFUSALS:
            refused = True
    await store.close()
    return refused


async def is_found(where) -> bool:
    try:
        store = SqliteAudit(where / "hubbub.db")
    except StoreUnusable:
        return True
    report = await Walk(store).run(now_ms=lambda: 1, monotonic=time.monotonic)
    await store.close()
    return not report.whole


async def test_a_flipped_bit_is_never_served_and_what_is_withheld_is_found(sound, tmp_path):
    chance = Random(SEED)
    refusals = 0
    for number in range(FLIPS):
        at = chance.randrange(len(sound.content))
        if number % 2:  # where SQLite keeps the order of things within a page
            at = at // PAGE * PAGE + at % 64
        bit = chance.randrange(8)
        flipped = bytearray(sound.content)
        flipped[at] ^= 1 << bit
        where = tmp_path / str(number)
        where.mkdir()
        (where / "hubbub.db").write_bytes(flipped)
        found = await is_found(where)

        refused = await is_refused(where, sound)

        assert found or not refused, f"bit {bit} of byte {at} is withheld, and the walk saw nothing"
        refusals += refused
        shutil.rmtree(where)
    assert refusals > FLIPS // 5
