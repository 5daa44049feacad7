"""What was synced is there after a power cut; of the rest anything may be."""

from random import Random

import apsw
import pytest

from simulation.disk import Disk


@pytest.fixture
def disk(tmp_path):
    disk = Disk(tmp_path, b"", Random(1))
    yield disk
    if disk.plugged is not None:
        disk.unplug(power=True)


def rows(plugged):
    connection = apsw.Connection(str(plugged.directory / "hubbub.db"), vfs=plugged.name)
    found = [row for (row,) in connection.execute("SELECT n FROM t ORDER BY n")]
    connection.close()
    return found


def filled(plugged, *, synchronous):
    connection = apsw.Connection(str(plugged.directory / "hubbub.db"), vfs=plugged.name)
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", 2)
    connection.execute("CREATE TABLE t (n)")
    connection.pragma("synchronous", synchronous)
    for n in range(20):
        connection.execute("INSERT INTO t VALUES (?)", (n,))
    return connection


@pytest.mark.parametrize("chance", range(8))
def test_what_was_synced_is_there_after_a_power_cut(disk, chance):
    disk._chance = Random(chance)
    connection = filled(disk.plug(), synchronous=2)
    disk.unplug(power=False)
    connection.close()
    assert rows(disk.plug()) == list(range(20))


def test_what_was_not_synced_may_be_gone(disk):
    found = set()
    for chance in range(12):
        disk._chance = Random(chance)
        connection = filled(disk.plug(), synchronous=1)
        disk.unplug(power=False)
        connection.close()
        after = rows(disk.plug())
        assert after == list(range(len(after)))
        found.add(len(after))
        disk.__init__(disk._root / str(chance), b"", disk._chance)
    assert {0, 20} < found


def test_a_process_that_is_killed_leaves_all_it_wrote(disk):
    connection = filled(disk.plug(), synchronous=1)
    disk.unplug(power=True)
    connection.close()
    assert rows(disk.plug()) == list(range(20))


def test_what_a_dead_process_still_does_is_not_on_the_disk(disk):
    connection = filled(disk.plug(), synchronous=2)
    disk.unplug(power=True)
    connection.execute("INSERT INTO t VALUES (99)")
    connection.close()
    assert 99 not in rows(disk.plug())


def test_a_sync_that_began_before_a_write_does_not_cover_it(disk):
    plugged = disk.plug()
    connection = filled(plugged, synchronous=1)
    began = plugged.log_changes()
    connection.execute("INSERT INTO t VALUES (20)")
    plugged.sync_log(began)
    assert plugged.files["hubbub.db-wal"].pending
    plugged.sync_log(plugged.log_changes())
    assert not plugged.files["hubbub.db-wal"].pending
    connection.close()
