from datetime import UTC, datetime, timedelta, timezone

from hubbub.chat.state.outbox import Pending
from hubbub.chat.state.places import RoomPlace
from hubbub.chat.state.rows import DayRow, NewRow, PendingRow, RemovedRow, SaidRow, StartRow, rows
from hubbub.chat.state.timeline import Removed, Said, Timeline

PLACE = RoomPlace("lounge")
NINE = datetime(2026, 1, 31, 21, 0, tzinfo=UTC)


def said(seq: int, *, sender: str = "bob", minutes: int = 0) -> Said:
    return Said(seq=seq, sender=sender, text=f"{seq}", at=NINE + timedelta(minutes=minutes))


def window(*entries, **more) -> Timeline:
    return Timeline(place=PLACE, entries=entries, **({"reaches_end": True, "loading": "no"} | more))


def shown(timeline: Timeline, pending=(), zone=UTC) -> list:
    return list(rows(timeline, pending, "ada", zone))


def kinds(timeline: Timeline, zone=UTC) -> list:
    return [row.text if isinstance(row, SaidRow) else type(row) for row in shown(timeline, zone=zone)]


def test_a_day_begins_when_it_does_for_the_reader():
    tokyo = timezone(timedelta(hours=9))
    timeline = window(said(1), said(2, minutes=180))

    assert kinds(timeline) == [DayRow, "1", DayRow, "2"]
    assert kinds(timeline, tokyo) == [DayRow, "1", "2"]
    assert shown(timeline, zone=tokyo)[1].at.hour == 6


def test_a_name_stands_over_what_somebody_says_in_one_breath():
    timeline = window(said(1), said(2, minutes=1), said(3, minutes=9), said(4, sender="cyd", minutes=9))

    assert [row.headed for row in shown(timeline) if isinstance(row, SaidRow)] == [True, False, True, True]


def test_a_line_stands_before_the_first_unread_of_others():
    timeline = window(said(4), said(5, sender="ada"), said(6), said(7), read_before=4)

    assert kinds(timeline) == [DayRow, "4", "5", NewRow, "6", "7"]


def test_no_line_is_drawn_where_what_is_above_may_be_unread_as_well():
    assert NewRow not in kinds(window(said(8), said(9), read_before=4))
    assert NewRow in kinds(window(said(8), said(9), read_before=4, reaches_start=True))


def test_removed_messages_are_told_of():
    timeline = window(Removed(first=1, last=7), said(8), reaches_start=True)

    assert kinds(timeline) == [StartRow, RemovedRow, DayRow, "8"]
    assert shown(timeline)[1].count == 7


def test_what_is_pending_stands_below_the_newest_and_only_there():
    mine = (Pending(key="k", place=PLACE, text="hi", at=NINE),)

    assert isinstance(shown(window(said(1)), mine)[-1], PendingRow)
    assert not any(isinstance(row, PendingRow) for row in shown(window(said(1), reaches_end=False), mine))
    assert isinstance(shown(window(loading="first", reaches_end=False), mine)[-1], PendingRow)


def test_a_row_keeps_its_key():
    before = {row.key for row in shown(window(said(2), said(3)))}
    after = {row.key for row in shown(window(said(1), said(2), said(3)))}

    assert {"said-2", "said-3"} <= before & after
    assert len({row.key for row in shown(window(said(1), said(2), said(3)))}) == 4
