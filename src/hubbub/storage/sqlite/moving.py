"""Moving the write-ahead log into the database: in the loop, or in a thread where the disk is slow."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import apsw

from hubbub.storage.sqlite.syncing import Apart

_PIECE_BYTES = 64 * 1024
"""SQLite takes a write of 128 KiB or more for one of none."""


def move(connection: apsw.Connection) -> None:
    """As much of the log as nobody is in the way of. Raises apsw.Error when the disk fails."""
    with suppress(apsw.BusyError, apsw.LockedError, apsw.FullError):  # safe in the log; there is a next time
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)


def write_anew(log: Path, vfs: str | None) -> None:
    """Write what is in the log to the same places again, and sync it. Nobody else may write to it meanwhile.

    Raises apsw.Error.
    """
    if not log.exists():
        return
    # As SQLite opens it, so that it is reached as SQLite reaches it.
    file = apsw.VFSFile(vfs or "", str(log), [apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_READWRITE, 0])
    try:
        size = file.xFileSize()
        for at in range(0, size, _PIECE_BYTES):
            file.xWrite(file.xRead(min(_PIECE_BYTES, size - at), at), at)
        file.xSync(apsw.SQLITE_SYNC_FULL)
    finally:
        file.xClose()


class Mover:
    """Moves it in a thread, which has a connection of its own for it.

    The log begins anew only if all of it was moved and nobody has added to it meanwhile. So whoever adds
    much waits until it is done: else the log would grow for as long as they go on.
    """

    def __init__(
        self, connect: Callable[[], apsw.Connection], apart: Apart, failed: Callable[[BaseException], object]
    ) -> None:
        """`connect` is called in the thread, once; `failed` is told why the log could not be moved."""
        self._connect = connect
        self._apart = apart
        self._failed = failed
        self._connection: apsw.Connection | None = None
        self._waiting: list[Callable[[], None]] = []
        self.is_moving = False

    def start(self) -> None:
        """Unless it is under way."""
        if not self.is_moving:
            self.is_moving = True
            self._apart(self._move, self._moved)

    def after(self, go_on: Callable[[], None]) -> None:
        """While it is under way: have `go_on` called when it has ended, in the order of the calls."""
        self._waiting.append(go_on)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _move(self) -> None:
        if self._connection is None:
            self._connection = self._connect()
        move(self._connection)

    def _moved(self, error: BaseException | None) -> None:
        self.is_moving = False
        if error is not None:
            self._failed(error)
        waiting, self._waiting = self._waiting, []
        for go_on in waiting:
            go_on()
