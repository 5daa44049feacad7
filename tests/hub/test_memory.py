"""What the rings of all logs hold together: one connection may listen to a thousand."""

import pytest

from hubbub.domain.ids import RoomId, room_log
from hubbub.hub.log import FEW_BYTES, RING_BYTES, Log, Memory
from hubbub.protocol.framing import Entry

MOST_BYTES = 4 * RING_BYTES
ENTRIES = [Entry(seq, "message", b"x" * 1000) for seq in range(1, 201)]


@pytest.fixture
def memory():
    return Memory(MOST_BYTES)


def filled(memory, count, how):
    logs = [Log(room_log(RoomId(f"r{number}")), memory) for number in range(count)]
    for log in logs:
        log.learn_head(len(ENTRIES))
        how(log)
    return logs


def said(log):
    log.remember(ENTRIES)


def read_again(log):
    log.prime(ENTRIES)
    log.prime(ENTRIES[-10:])  # as much as is there for one who is nearly at the head


@pytest.mark.parametrize("how", [said, read_again])
def test_the_rings_of_many_logs_together_are_bounded(memory, how):
    logs = filled(memory, 100, how)

    held = sum(log.ring_bytes for log in logs)
    assert held == memory.held_bytes == sum(len(entry.json) for log in logs for entry in log.ring)
    assert held <= MOST_BYTES + RING_BYTES + len(logs) * FEW_BYTES
    assert all(log.ring[-1].seq == len(ENTRIES) for log in logs)


def test_a_ring_that_was_filled_before_gives_way_as_its_log_goes_on(memory):
    first, *_ = filled(memory, 100, said)
    assert first.ring_bytes > FEW_BYTES

    first.remember([Entry(len(ENTRIES) + 1, "message", b"x")])

    assert first.ring_bytes <= FEW_BYTES


def test_what_logs_that_are_gone_held_is_there_for_others(memory):
    for log in filled(memory, 100, said):
        log.forget(log.flushed)

    assert memory.held_bytes == 0
    assert [log.ring_bytes for log in filled(memory, 2, said)] == [200_000, 200_000]
