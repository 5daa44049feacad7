"""The steps of all that is written, as named points at which the process ends: by SIGKILL, as by a power cut.

The steps are enumerated and not sampled: a run in which nothing dies tells every point it came by, in order,
and each of those is then died at. So whatever the write path becomes, the points are those it has.

    before STATEMENT, after COMMIT      each statement of SQL that is executed, by its first words
    before a write, before and after    of the log or the database, each one there is: also in a mode in which
    the sync                            another thread waits for the sync
    before and after                    each call that stands in the table CALLS, and each acknowledgement

It is installed into a process of its own, from outside: nothing in the product knows of it.
"""

import os
import re
import signal
from collections import Counter
from collections.abc import Callable
from functools import wraps
from itertools import pairwise
from typing import Any

import apsw

from hubbub.api.framed import FramedConnection
from hubbub.api.outbox import Outbox
from hubbub.api.streams import Stream
from hubbub.hub.hub import Hub
from hubbub.service.posting import Posting
from hubbub.storage.sqlite.database import Database

CALLS: dict[str, tuple[type, str]] = {
    "the commit": (Posting, "commit"),
    "telling of the outcomes": (Posting, "_tell"),
    "telling the hub": (Hub, "publish"),
    "handing out": (Hub, "flush"),
    "writing to a reader by WebSocket": (FramedConnection, "write"),
    "writing to a reader of a stream": (Stream, "write"),
    "sending the replies": (Outbox, "send"),
    "tidying up": (Database, "tidy"),
}
"""What is called, and where. A point lies before each call, and one after it."""

BY_THE_CLOCK = re.compile(r"(SELECT 1 FROM sessions|PRAGMA data_version|SELECT .* FROM sessions)")
"""Statements that the clock asks for and not the write: they come between at any place."""

STATEMENT = re.compile(
    r"\b(CREATE|ALTER|DROP|INSERT|UPDATE|DELETE|SELECT|WITH|BEGIN|COMMIT|ROLLBACK|pragma|PRAGMA)\b"
)
"""Where one begins: apsw leaves comments before it, but for the first two dashes."""

_VFS = "dying"


class Points:
    """Notes each point the process comes by from `arm` on, and dies at one of them.

    A point is a name and which time it is come by under that name: "before COMMIT 1".
    """

    def __init__(self, die_at: str | None, note: Callable[[str], None]) -> None:
        self._die_at = die_at
        self._note = note
        self._counts: Counter[str] = Counter()
        self.armed = False

    def arm(self) -> None:
        self.armed = True

    def reached(self, name: str) -> None:
        if not self.armed:
            return
        self._counts[name] += 1
        point = f"{name} {self._counts[name]}"
        self._note(point)
        if point == self._die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        def counted(*args: Any, **more: Any) -> Any:
            self.reached(f"before {name}")
            result = call(*args, **more)
            self.reached(f"after {name}")
            return result

        return counted


def install(points: Points) -> None:
    """Have this process come by its points."""
    _watch_the_disk(points)
    for name, (kind, method) in CALLS.items():
        setattr(kind, method, points.around(name, getattr(kind, method)))
    tell = Posting._tell

    def tell_one_by_one(self, outcomes, dones):
        tell(self, outcomes, [points.around("an acknowledgement", done) for done in dones])

    Posting._tell = tell_one_by_one


def install_store(points: Points) -> None:
    """The same for a process that has a store and no server."""
    _watch_the_disk(points)
    Database.tidy = points.around("tidying up", Database.tidy)


def _watch_the_disk(points: Points) -> None:
    disk = _Disk(points)
    begin, set_up = Database.__init__, Database._set_up

    def __init__(self, file, **options):
        options["vfs"] = disk.name
        begin(self, file, **options)

    def _set_up(self):
        _watch_statements(points, self.connection)
        return set_up(self)

    Database.__init__, Database._set_up = __init__, _set_up


def _watch_statements(points: Points, connection: apsw.Connection) -> None:
    def told(event: dict[str, Any]) -> None:
        begins = STATEMENT.search(event["sql"])
        sql = " ".join(event["sql"][begins.start() :].split()) if begins else ""
        if not sql or BY_THE_CLOCK.match(sql):
            return
        name = " ".join(sql.split("(")[0].split()[:3])
        if event["code"] == apsw.SQLITE_TRACE_STMT:
            points.reached(f"before {name}")
        elif name == "COMMIT":  # after any other is before the next one
            points.reached("after COMMIT")

    connection.trace_v2(apsw.SQLITE_TRACE_STMT | apsw.SQLITE_TRACE_PROFILE, told)


class _Disk(apsw.VFS):
    def __init__(self, points: Points) -> None:
        self.name = _VFS
        self.points = points
        super().__init__(self.name, "")

    def xOpen(self, name, flags):
        return _File(self.points, name, flags)


class _File(apsw.VFSFile):
    def __init__(self, points: Points, name, flags) -> None:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name or ""
        self._points = points
        self._what = "the log" if path.endswith("-wal") else "the database"
        super().__init__("", name, flags)

    def xWrite(self, data, offset):
        self._points.reached(f"before a write to {self._what}")
        super().xWrite(data, offset)

    def xTruncate(self, size):
        self._points.reached(f"before cutting {self._what}")
        super().xTruncate(size)

    def xSync(self, flags):
        self._points.reached(f"before the sync of {self._what}")
        super().xSync(flags)
        self._points.reached(f"after the sync of {self._what}")


def of_the_commit(points: list[str]) -> list[str]:
    """Of all points, those up to where the first commit is told, handed out and tidied up after."""
    ends = ("after the commit 1", "after telling of the outcomes 1", "after tidying up 1")
    return points[: 1 + max(points.index(end) for end in ends)]


def distinct(points: list[str]) -> list[str]:
    """Without those that are the same moment as the next: after one step, with nothing before the next one.

    Where a sync or a commit has ended is always a point of its own.
    """
    kept = ("sync", "COMMIT")
    return [
        point
        for point, following in pairwise((*points, ""))
        if not (point.startswith("after") and following.startswith("before"))
        or any(word in point for word in kept)
    ]
