"""The store every world begins with: some people, some rooms, nothing said yet."""

import shutil
import tempfile
from functools import cache
from pathlib import Path
from random import Random

from hubbub.domain.ids import RoomId, UserId
from hubbub.domain.model import Room, User
from hubbub.storage.base import Seed
from hubbub.storage.sqlite import SqliteStore
from simulation.node import EPOCH_MS, run_at_once
from simulation.people import NAMES, ROOMS

_MEMORY = Path("/dev/shm")


def place() -> Path:
    """A new directory for what lies on the simulated disks; in memory where there is such a place."""
    return Path(tempfile.mkdtemp(prefix="hubbub-simulation-", dir=_MEMORY if _MEMORY.is_dir() else None))


@cache
def image() -> tuple[bytes, str]:
    """The database file, the same in every process, and its epoch."""
    directory = place()
    try:
        store = SqliteStore.open(
            directory, now_ms=lambda: EPOCH_MS, randomness=Random(1).randbytes, on_broken=lambda failure: None
        )
        users = [(User(name=UserId(name), created_at_ms=EPOCH_MS), "no password") for name in NAMES]
        rooms = [
            (
                Room(id=RoomId(name), name=name, created_at_ms=EPOCH_MS, created_by=UserId(NAMES[0]), head=0),
                name,
            )
            for name in ROOMS
        ]
        run_at_once(store.seed(Seed(users=users, sessions=[], rooms=rooms)))
        epoch = store.info.epoch
        run_at_once(store.close())
        return (directory / "hubbub.db").read_bytes(), epoch
    finally:
        shutil.rmtree(directory)
