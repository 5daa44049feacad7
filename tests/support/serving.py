"""A real server in the test's own event loop, on a free port of the loopback."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from hubbub.api.settings import Settings
from hubbub.app import Running, running
from hubbub.backends import Seams
from hubbub.config import Config
from hubbub.knobs import Address
from support.disk import Disk


class Clock:
    """The wall clock, which can be put forward."""

    def __init__(self) -> None:
        self._ahead_ms = 0

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self._ahead_ms

    def put_forward(self, *, days: int = 0, hours: int = 0) -> None:
        self._ahead_ms += days * 86_400_000 + hours * 3_600_000


@asynccontextmanager
async def serving(
    data: Path,
    *,
    clock: Clock | None = None,
    disk: Disk | None = None,
    port: int = 0,
    settings: dict[str, Any] | None = None,
    **config: Any,
) -> AsyncIterator[Running]:
    """`config` and `settings`: what differs from a server with no limits of rate."""
    chosen = {"limits": None, "admin_listen": None, "password_workers": 1} | config
    full = Config(
        data=data, listen=Address("127.0.0.1", port), settings=Settings(**(settings or {})), **chosen
    )
    reached = {} if disk is None else {"vfs": disk.name, "sync": disk.sync}
    seams = Seams(now_ms=(clock or Clock()).now_ms, randomness=os.urandom, **reached)
    async with running(full, seams) as server:
        yield server
