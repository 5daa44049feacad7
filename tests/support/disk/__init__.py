"""A disk for SQLite that remembers all that is done to it, and fails when it is told to.

It is a VFS over real files: what is written can be read at once, as through the system's cache. Beside that
it keeps a log of every operation, so that afterwards it can be said what a power loss at any moment may have
left (`medium` says after which model).

    disk = Disk()
    store = SqliteStore.open(directory, …, vfs=disk.name)
    …
    for at in range(len(disk.operations) + 1):
        lay(disk.image(at, prefix(0)), elsewhere)     # what was synced before that operation, and no more
    disk.unregister()

One `Disk` is for one data directory. Its methods may be called from any thread.
"""

from support.disk.faults import Fault
from support.disk.medium import Operation, Survivors, everything, lay, nothing, prefix, some, torn
from support.disk.vfs import Disk

__all__ = [
    "Disk",
    "Fault",
    "Operation",
    "Survivors",
    "everything",
    "lay",
    "nothing",
    "prefix",
    "some",
    "torn",
]
