"""A server killed at any moment has lost nothing of what it acknowledged."""

import signal
import subprocess
import sys
from random import Random

import pytest

from hubbub.domain.ids import room_log

from .conftest import furnish

POSTER = """
import os, pathlib, sys
from hubbub.domain.events import Draft
from hubbub.domain.ids import room_log
from hubbub.storage.sqlite import database
from hubbub.storage.sqlite import SqliteStore
database.CHECKPOINT_PAGES = 40
store = SqliteStore.open(
    pathlib.Path(sys.argv[1]), now_ms=lambda: 1, randomness=os.urandom, on_broken=print, create=False
)
number = int(sys.argv[2])
while True:
    batch = []
    for _ in range(number % 7 + 1):
        number += 1
        batch.append(
            Draft(
                place=room_log("lounge" if number % 3 else "attic"), sender="ada", id=f"m{number}",
                text=f"text {number} " + "x" * (number % 900), key=f"k{number}", sent_at_ms=number,
            )
        )
    def told(outcomes):
        lines = "".join(f"{o.receipt.log} {o.receipt.seq} {o.receipt.id}\\n" for o in outcomes)
        os.write(1, lines.encode())
    store.append(batch, told)
"""


@pytest.mark.timeout(60)
async def test_what_a_killed_server_acknowledged_is_there(open_sqlite, directory):
    store = open_sqlite()
    await furnish(store)
    await store.close()
    chance = Random(7)
    acknowledged: dict[tuple[str, int], str] = {}

    for _ in range(8):
        start = len(acknowledged) + 1_000_000 * (1 + len(acknowledged))
        poster = subprocess.Popen(
            [sys.executable, "-c", POSTER, str(directory), str(start)], stdout=subprocess.PIPE
        )
        lines = 0
        wanted = chance.randrange(1, 400)
        told = b""
        while lines < wanted:
            told += (part := poster.stdout.read1())
            assert part, "the poster ended by itself"
            lines = told.count(b"\n")
        poster.send_signal(signal.SIGKILL)
        told += poster.stdout.read()
        poster.stdout.close()
        poster.wait()
        for line in told.decode().splitlines():
            log, seq, id = line.split(" ")
            assert (log, int(seq)) not in acknowledged, "a seq was given twice"
            acknowledged[log, int(seq)] = id

        store = open_sqlite()
        for (log, seq), id in acknowledged.items():
            assert (await store.event(log, seq)).id == id
        for log in (room_log("lounge"), room_log("attic")):
            head, seen = await store.head(log), 0
            while seen < head:
                page = await store.page(log, after=seen)
                assert [event.seq for event in page.events] == list(
                    range(seen + 1, seen + 1 + len(page.events))
                )
                seen = page.events[-1].seq
        await store.close()
