import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.domain.errors import BadInput, StaleCursor
from hubbub.domain.ids import UserId, inbox_log, room_log
from hubbub.protocol.cursor import (
    check_reached,
    format_cursor,
    format_cursors,
    parse_cursor,
    parse_cursors,
)

ADA = UserId("ada")
epochs = st.text("abcdefghjkmnpqrstvwxyz0123456789", min_size=1, max_size=16)
seqs = st.integers(0, 10**18 - 1)
room_ids = st.text("abcXYZ019_-", min_size=1, max_size=64)


@given(epochs, seqs)
def test_a_cursor_comes_back_as_it_was_given(epoch: str, seq: int) -> None:
    assert parse_cursor(format_cursor(epoch, seq), epoch) == seq


@given(epochs, seqs)
def test_a_bare_number_is_of_this_epoch(epoch: str, seq: int) -> None:
    assert parse_cursor(str(seq), epoch) == parse_cursor(seq, epoch) == seq


@given(epochs, epochs, seqs)
def test_a_cursor_of_another_epoch_is_never_misread(epoch: str, other: str, seq: int) -> None:
    if epoch != other:
        with pytest.raises(StaleCursor):
            parse_cursor(format_cursor(other, seq), epoch)


@given(epochs, st.dictionaries(room_ids, seqs, max_size=8), st.none() | seqs)
def test_a_cursor_over_many_logs_comes_back_as_it_was_given(
    epoch: str, rooms: dict[str, int], inbox: int | None
) -> None:
    positions = {room_log(room): seq for room, seq in rooms.items()}
    if inbox is not None:
        positions[inbox_log("ada")] = inbox
    assert parse_cursors(format_cursors(epoch, positions), epoch, ADA) == positions


@given(st.text())
def test_any_text_is_a_cursor_or_a_clear_refusal(text: str) -> None:
    with contextlib.suppress(BadInput, StaleCursor):
        assert parse_cursor(text, "e") >= 0
    with contextlib.suppress(BadInput, StaleCursor):
        parse_cursors(text, "e", ADA)


@pytest.mark.parametrize("given", ["", "-1", "1.0", "٣", "+1", " 1", "1e3", "9" * 19, "e:", "e:-1", -1])
def test_what_is_no_number_is_refused(given: str | int) -> None:
    with pytest.raises(BadInput):
        parse_cursor(given, "e")


def test_a_cursor_from_the_future_is_stale_and_says_where_the_head_is() -> None:
    check_reached(7, 7)
    with pytest.raises(StaleCursor) as refused:
        check_reached(8, 7)
    assert refused.value.members == {"head": 7}
