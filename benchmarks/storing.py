"""The store in PostgreSQL alone: what group commit does, without a server around it.

So many posts are under way at a time, in rooms of equal size; each that is done is followed by another. What
is told besides posts/s is what each of them cost: time of this process, time of the database, and bytes of
its journal (WAL), which is what a replica is sent.

    python benchmarks/storing.py [--under-way 10,100,1000,4000]
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hubbub.bench.histogram import Histogram
from hubbub.cli.asked import now_ms
from hubbub.cli.seed import plan
from hubbub.cluster import Postgres
from hubbub.domain.events import Draft
from hubbub.domain.ids import LogId, MessageId, UserId, room_log
from hubbub.storage.base import Outcome
from hubbub.storage.postgres import PostgresStore
from processes import cpu_seconds

ROOMS = 100
USERS = 100
TEXT = "x" * 80
WARM_UP_SECONDS = 1.0
LOGS_AT_ONCE = 2000
COMPARISONS = 100


class Posting:
    """Always true: while it runs so many posts are under way."""

    def __init__(
        self, store: PostgresStore, rooms: Sequence[LogId], users: Sequence[UserId], name: str
    ) -> None:
        self._store = store
        self._rooms = rooms
        self._users = users
        self._name = name
        self._next = 0
        self._running = True
        self._under_way = 0
        self._idle = asyncio.Event()
        self.stored = 0
        self.batches = 0
        self.latency = Histogram()

    def begin(self, under_way: int) -> None:
        self._post(under_way)

    def _post(self, count: int) -> None:
        drafts = [self._draft() for _ in range(count)]
        self._under_way += count
        sent_ns = time.monotonic_ns()

        def done(outcomes: Sequence[Outcome]) -> None:
            self.latency.add((time.monotonic_ns() - sent_ns) // 1000)
            for outcome in outcomes:
                if isinstance(outcome, Exception):
                    raise outcome
            self.stored += len(outcomes)
            self.batches += 1
            self._under_way -= len(outcomes)
            if self._running:
                self._post(len(outcomes))
            elif not self._under_way:
                self._idle.set()

        self._store.append(drafts, done)

    def _draft(self) -> Draft:
        number = self._next
        self._next += 1
        return Draft(
            place=self._rooms[number % len(self._rooms)],
            sender=self._users[number % len(self._users)],
            id=MessageId(f"{self._name}{number:09}"),
            text=TEXT,
            key=f"{self._name}{number}",
            sent_at_ms=now_ms(),
        )

    async def end(self) -> None:
        self._running = False
        await self._idle.wait()


async def measure(postgres: Postgres, under_way: int, seconds: float) -> dict[str, Any]:
    """On a database of its own."""
    import asyncpg

    name = f"alone_{under_way}"
    url = await postgres.database(name)
    store = await PostgresStore.open(
        url, now_ms=now_ms, randomness=os.urandom, monotonic=time.monotonic, on_broken=_broken
    )
    planned, _ = plan(USERS, ROOMS)
    await store.seed(planned)
    asking = await asyncpg.connect(url)
    posting = Posting(
        store, [room_log(room.id) for room, _ in planned.rooms], [user.name for user, _ in planned.users], "s"
    )
    posting.begin(under_way)
    await asyncio.sleep(WARM_UP_SECONDS)
    posting.latency = Histogram()
    before = await _read(asking, postgres, posting)
    await asyncio.sleep(seconds)
    after = await _read(asking, postgres, posting)
    await posting.end()
    await asking.close()
    await store.close()
    passed, stored, batches, ours, theirs, wal = (b - a for a, b in zip(before, after, strict=True))
    return {
        "under_way": under_way,
        "posts_per_second": stored / passed,
        "commits_per_second": batches / passed,
        "posts_a_commit": stored / batches if batches else None,
        "commit_p50_ms": _ms(posting.latency.at(50)),
        "commit_p99_ms": _ms(posting.latency.at(99)),
        "store_cpu_us_a_post": ours / stored * 1e6,
        "database_cpu_us_a_post": theirs / stored * 1e6,
        "wal_bytes_a_post": wal / stored,
        "store_cpu_cores": ours / passed,
        "database_cpu_cores": theirs / passed,
    }


async def _read(asking: Any, postgres: Postgres, posting: Posting) -> tuple[float, ...]:
    wal = await asking.fetchval("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
    return (
        time.monotonic(),
        posting.stored,
        posting.batches,
        time.process_time(),
        cpu_seconds(postgres.pid),
        float(wal),
    )


def _ms(value_us: float | None) -> float | None:
    return None if value_us is None else value_us / 1000


def _broken(error: Exception) -> None:
    sys.exit(str(error))


async def compare_heads(postgres: Postgres, logs: int, times: int) -> dict[str, Any]:
    """What a node asks every few seconds of all logs it holds: how far they are in the database."""
    store = await PostgresStore.open(
        await postgres.database("heads"),
        now_ms=now_ms,
        randomness=os.urandom,
        monotonic=time.monotonic,
        on_broken=_broken,
    )
    planned, _ = plan(1, logs)
    await store.seed(planned)
    names = [room_log(room.id) for room, _ in planned.rooms]
    await store.heads(names)
    begun, ours, theirs = time.monotonic(), time.process_time(), cpu_seconds(postgres.pid)
    for _ in range(times):
        await store.heads(names)
    count = logs * times
    passed = time.monotonic() - begun
    ours, theirs = time.process_time() - ours, cpu_seconds(postgres.pid) - theirs
    await store.close()
    return {
        "logs_at_once": logs,
        "us_a_log": passed / count * 1e6,
        "store_cpu_us_a_log": ours / count * 1e6,
        "database_cpu_us_a_log": theirs / count * 1e6,
    }


async def all_of(under_way: Sequence[int], seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="hubbub-storing-") as directory:
        async with Postgres(Path(directory)) as postgres:
            return {
                "appending": [await measure(postgres, each, seconds) for each in under_way],
                "comparing_heads": await compare_heads(postgres, LOGS_AT_ONCE, COMPARISONS),
            }


def main() -> int:
    asked = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    asked.add_argument("--under-way", default="10,100,1000,4000")
    asked.add_argument("--seconds", type=float, default=5.0)
    given = asked.parse_args()
    figures = asyncio.run(all_of([int(each) for each in given.under_way.split(",")], given.seconds))
    print(json.dumps(figures, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
