"""A world with one machine, which has its store for itself."""

from collections.abc import Sequence
from random import Random

from hubbub.check.promises import Stored
from hubbub.domain.ids import LogId
from hubbub.storage.sqlite import SqliteStore
from simulation.actions import Director
from simulation.alone import Alone
from simulation.disk import Disk
from simulation.node import Node, read_all, run_at_once
from simulation.world import LOGS, Outcome, World


class AloneWorld(World):
    KIND = "alone"

    def machines(self) -> Sequence[Node]:
        self.disk = Disk(self.root, self.image, self.chance_for("disk"))
        self.disk.happened = self.happened
        self.node = Alone(self.schedule, self.disk, self.chance_for("node"), self.happened, self.tell)
        return [self.node]

    def fate(self) -> Director:
        return Director(self, self.chance_for("actions"))

    def node_for(self, chance: Random) -> Node:
        return self.node

    def heads(self) -> dict[LogId, int]:
        running = self.node.running
        assert running is not None
        return {log: run_at_once(running.store.head(log)) for log in LOGS}

    def heal(self) -> None:
        self.disk.heal()

    def stored_after_all(self) -> Stored:
        """What the disk has of it when the power goes at last."""
        self.node.end()
        self.go(0)
        plugged = self.disk.plug()
        store = SqliteStore.open(
            plugged.directory,
            now_ms=self.node.clock.now_ms,
            randomness=self.chance_for("end").randbytes,
            on_broken=lambda failure: None,
            create=False,
            vfs=plugged.name,
        )
        try:
            return run_at_once(read_all(store, LOGS))
        finally:
            run_at_once(store.close())
            plugged.discard()
            self.disk.plugged = None


def simulate(seed: int, *, trace: bool = False, first: bool = False) -> Outcome:
    return AloneWorld(seed, trace=trace, first=first).run()
