"""What the store remembers of logs is bounded, and is never more than a saving."""

from hubbub.domain.ids import LogId
from hubbub.storage.sqlite import logs
from hubbub.storage.sqlite.places import Place, Places, position, seq_at

from .conftest import furnish
from .drafting import ATTIC, LOUNGE, say, seqs


def test_the_logs_used_last_are_remembered_and_no_more_than_the_bound():
    places = Places(bound=2)
    for number, name in enumerate("abc", 1):
        places.put(LogId(name), Place(number, 0, 0))
        places.get(LogId("a"))

    assert len(places) == 2
    assert places.get(LogId("a")) is not None
    assert places.get(LogId("b")) is None


def test_a_position_keeps_each_log_together_and_in_order():
    largest = (1 << 36) - 1

    assert position(1, largest) < position(2, 0) < position(2, 1)
    assert seq_at(position(7, largest)) == largest
    assert position((1 << 27) - 1, largest) == (1 << 63) - 1


async def test_logs_that_were_forgotten_go_on_counting(open_sqlite, monkeypatch):
    monkeypatch.setattr(logs, "REMEMBERED_LOGS", 1)
    store = open_sqlite()
    await furnish(store)

    for n in range(1, 4):
        assert seqs(say(store, LOUNGE, "x")) == [n]
        assert seqs(say(store, ATTIC, "x", "y")) == [2 * n - 1, 2 * n]
    await store.close()
