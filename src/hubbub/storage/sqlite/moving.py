"""Moving the write-ahead log into the database: in the loop, or in a thread where the disk is slow."""

from collections.abc import Callable
from contextlib import suppress

import apsw

from hubbub.storage.sqlite.syncing import Apart


def move(connection: apsw.Connection) -> None:
    """As much of the log as nobody is in the way of. Raises apsw.Error when the disk fails."""
    with suppress(apsw.BusyError, apsw.LockedError, apsw.FullError):  # safe in the log; there is a next time
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)


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
