"""A machine that has its store for itself: SQLite's files on a disk of this world."""

from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

from hubbub.app import Running
from hubbub.backends import Backend, Seams
from hubbub.membership import Membership
from hubbub.storage.sqlite import SqliteStore
from hubbub.storage.sqlite.syncing import Pace
from simulation.disk import Disk, Plugged
from simulation.node import Node
from simulation.schedule import ProcessLoop, Schedule


class Thread:
    """The thread for the syncs of a slow disk, without one: the work is done when its time is over, and has
    on the disk what was written before it began."""

    def __init__(self, schedule: Schedule, loop: ProcessLoop, plugged: Plugged, chance: Random) -> None:
        self._schedule = schedule
        self._loop = loop
        self._plugged = plugged
        self._chance = chance
        self._work: deque[tuple[Callable[[], None], Callable[[BaseException | None], None]]] = deque()
        self._changes = 0
        self._seconds = 0.0
        self._slept = 0.0

    def __call__(self, work: Callable[[], None], done: Callable[[BaseException | None], None]) -> None:
        self._work.append((work, done))
        if len(self._work) == 1:
            self._begin(self._loop.time())

    def _begin(self, now: float) -> None:
        disk = self._plugged.disk
        self._changes = self._plugged.log_changes()
        self._seconds = disk.slow_seconds or self._chance.choice((0.001, 0.02, 0.1))
        self._schedule.at(now + self._seconds, self._end)

    def _end(self) -> None:
        if self._loop.dead:
            return
        work, done = self._work[0]
        failed: BaseException | None = None
        disk = self._plugged.disk
        slow, disk.slow_seconds = disk.slow_seconds, 0.0  # the time is over already
        try:
            work()
        except Exception as error:
            failed = error
        disk.slow_seconds = slow
        self._slept = 0.0
        self._loop.poke(done, failed)
        self._work.popleft()
        if self._work and not self._loop.dead:
            self._begin(self._schedule.now)

    def sync(self) -> None:
        disk = self._plugged.disk
        disk.happened("a sync was made apart")
        self._slept = self._seconds
        self._plugged.sync_log(self._changes)

    def time(self) -> float:
        """The clock of the loop, and of the work while it is done."""
        return self._loop.time() + self._slept


class Alone(Node):
    """Its ground is the disk, as a process has it before it."""

    name = "the server"

    def __init__(
        self,
        schedule: Schedule,
        disk: Disk,
        chance: Random,
        happened: Callable[[str], None],
        tell: Callable[[str], None],
    ) -> None:
        super().__init__(schedule, chance, happened, tell)
        self.disk = disk
        disk.operation = self._disk_operation
        disk.stall = self._stall

    def _stall(self, seconds: float) -> None:
        if self.loop is not None:
            self.loop.stall(seconds)
            self._stalled_at = self.loop.time()

    def _disk_operation(self, what: str, file: str) -> None:
        if file == "wal":
            self._moment(what)
        else:
            self.happened("a checkpoint wrote to the database")
            self._moment("checkpoint")

    # -- what it stands on --------------------------------------------------

    def _stand(self, loop: ProcessLoop) -> Plugged:
        self.disk.heal()
        return self.disk.plug()

    def _open(self, loop: ProcessLoop, plugged: Plugged, chance: Random) -> tuple[Backend, Membership, Seams]:
        thread = Thread(self.schedule, loop, plugged, chance)
        seams = Seams(now_ms=self.clock.now_ms, monotonic=loop.time, randomness=chance.randbytes)
        store = SqliteStore.open(
            plugged.directory,
            now_ms=seams.now_ms,
            randomness=seams.randomness,
            on_broken=self._broke,
            on_damaged=lambda damage: (
                None if loop.dead else self.troubles.append(f"damage: {damage!r} {damage.log} {damage.seq}")
            ),
            create=False,
            vfs=plugged.name,
            apart=thread,
            pace=Pace(apart=self._apart_at_once),
            sync=thread.sync,
            monotonic=thread.time,
        )
        backend = Backend(store=store, now_ms=seams.now_ms, audit=lambda: None)
        return backend, Membership(), seams

    def _fall(self, *, power: bool) -> None:
        self.disk.unplug(power=power)

    def _let_go(self, running: Running, plugged: Plugged) -> None:
        store: Any = running.store
        store._db.close()
        store._lock.release()
        plugged.discard()

    def _left_behind(self, plugged: Plugged) -> None:
        plugged.discard()
