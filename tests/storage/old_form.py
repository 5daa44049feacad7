"""A store of the time before events were chained: what the first migration alone makes, with rows in it."""

from pathlib import Path

import apsw

from hubbub.storage.sqlite import schema
from hubbub.storage.sqlite.places import position

TEXT_DIGEST = bytes.fromhex("94600d665a98564700cf34e22492d747")
"""BLAKE2b-128 of "gone", as such a store kept it of a removed text."""


def make_old_store(directory: Path) -> None:
    """Three people and the room "lounge", whose first two messages were removed; ada wrote to bob."""
    directory.mkdir(mode=0o700)
    database = apsw.Connection(str(directory / "hubbub.db"))
    database.pragma("journal_mode", "wal")
    schema.migrate(database, schema.steps()[:1], {}, lambda: None)
    with database:
        database.execute("INSERT INTO store VALUES (1, 'e0', x'00', 1)")
        database.executemany(
            "INSERT INTO logs (number, name, floor, oldest_ms) VALUES (?, ?, ?, ?)",
            [
                (1, "inbox/ada", 0, 5),
                (2, "inbox/bob", 0, 5),
                (3, "inbox/cy", 0, None),
                (4, "room/lounge", 2, 5),
            ],
        )
        database.executemany("INSERT INTO users VALUES (?, 'hash', 1, NULL)", [("ada",), ("bob",), ("cy",)])
        database.execute("INSERT INTO rooms VALUES ('lounge', 4, 'Lounge', 'lounge', 2, 'ada')")
        database.execute("INSERT INTO sessions VALUES ('s1', zeroblob(32), 'ada', 3, 1000, 'curl')")
        database.executemany(
            "INSERT INTO events (position, id, sent, sender, recipient, text, key, sent_at_ms)"
            " VALUES (?, ?, ?, 'ada', ?, ?, ?, 5)",
            [
                (position(1, 1), "d1", 1, "bob", "psst", "d"),
                (position(2, 1), "d1", 0, "bob", "psst", "d"),
                *((position(4, seq), f"m{seq}", 0, None, f"text {seq}", f"k{seq}") for seq in range(3, 6)),
            ],
        )
        database.executemany(
            "INSERT INTO keys VALUES (?, 'ada', ?, ?, ?, ?, ?, ?)",
            [
                (2, "d", 1, 1, None, None, None),
                (4, "k1", 1, None, "m1", 4, TEXT_DIGEST),
                *((4, f"k{seq}", seq, None, None, None, None) for seq in range(3, 6)),
            ],
        )
    database.close()
