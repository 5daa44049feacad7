"""What each happening makes of all that is known."""

from datetime import UTC, datetime

from hubbub.chat.state import events
from hubbub.chat.state.connection import Connecting, Live, Waiting, lost
from hubbub.chat.state.outbox import Pending
from hubbub.chat.state.places import PersonPlace, RoomPlace
from hubbub.chat.state.side import Conversation, Followed
from hubbub.chat.state.state import State, after
from hubbub.chat.state.timeline import Said

LOUNGE = RoomPlace("lounge")
BOB = PersonPlace("bob")
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def played(*happenings: events.Happening, state: State | None = None) -> State:
    state = state or State(me="ada")
    for each in happenings:
        state = after(state, each)
    return state


def heard(place, seq: int, *, sender: str = "bob", key: str | None = None) -> events.Heard:
    return events.Heard(place=place, entry=Said(seq=seq, sender=sender, text=f"{seq}", at=NOON, key=key))


def followed(seq: int, head: int) -> Followed:
    return Followed(id="lounge", name="Lounge", seq=seq, head=head)


def opened(*page: int) -> tuple[events.Happening, ...]:
    entries = tuple(Said(seq=seq, sender="bob", text=f"{seq}", at=NOON) for seq in page)
    return (
        events.Opened(place=LOUNGE, name="Lounge"),
        events.NewestCame(place=LOUNGE, page=entries, reaches_start=True),
    )


def pending(key: str = "k", place=LOUNGE) -> Pending:
    return Pending(key=key, place=place, text="hi", at=NOON)


def seqs(state: State) -> list[int]:
    return [entry.seq for entry in state.open.entries]


def test_what_is_said_in_a_followed_room_is_unread_once_however_often_it_is_heard():
    state = played(events.RoomsTold((followed(3, 5),)), heard(LOUNGE, 6), heard(LOUNGE, 6), heard(LOUNGE, 4))

    assert state.side.room("lounge").unread == 3


def test_an_old_answer_takes_nothing_back():
    state = played(
        events.RoomsTold((followed(3, 5),)),
        heard(LOUNGE, 9),
        events.RoomMarked("lounge", 8),
        events.RoomsTold((followed(3, 5),)),
    )

    assert state.side.room("lounge").unread == 1


def test_marks_only_move_forward():
    state = played(
        events.RoomsTold((followed(3, 5),)), events.RoomMarked("lounge", 5), events.RoomMarked("lounge", 2)
    )

    assert state.side.room("lounge").unread == 0


def test_of_direct_messages_only_theirs_are_unread():
    state = played(heard(BOB, 1), heard(BOB, 2, sender="ada"), heard(BOB, 4), heard(BOB, 4))

    assert state.side.person("bob").unread == 2
    assert played(events.PersonMarked("bob", 4), state=state).side.person("bob").unread == 0


def test_a_conversation_as_the_server_counts_it_stands_unless_more_was_heard_since():
    told = events.PeopleTold((Conversation(user="bob", seq=1, unread=7, last_seq=9),))

    assert played(heard(BOB, 9), told).side.person("bob").unread == 7
    assert played(told, heard(BOB, 10), told).side.person("bob").unread == 8


def test_who_wrote_last_stands_first():
    cyd = PersonPlace("cyd")

    assert [each.user for each in played(heard(cyd, 1), heard(BOB, 2)).side.people] == ["bob", "cyd"]


def test_what_i_wrote_is_shown_once_whichever_comes_first_the_answer_or_the_log():
    answer = events.Moved(key="k", fate="stored", seq=3)
    echo = heard(LOUNGE, 3, sender="ada", key="k")

    for order in ((answer, echo), (echo, answer)):
        state = played(*opened(1, 2), events.Wrote(pending()), *order)
        assert state.outbox == ()
        assert seqs(state) == [1, 2, 3]


def test_another_persons_message_under_the_same_key_settles_nothing():
    state = played(*opened(1), events.Wrote(pending()), heard(LOUNGE, 2, sender="bob", key="k"))

    assert [each.key for each in state.outbox] == ["k"]


def test_what_i_wrote_and_a_page_brings_is_shown_once():
    entry = Said(seq=1, sender="ada", text="hi", at=NOON, key="k")
    state = played(
        events.Opened(place=LOUNGE, name="Lounge"),
        events.Wrote(pending()),
        events.NewestCame(place=LOUNGE, page=(entry,), reaches_start=True),
    )

    assert state.outbox == ()


def test_a_page_of_another_place_or_asked_for_before_is_not_shown():
    state = played(*opened(5, 6), events.Asked("older"))
    stale = events.OlderCame(place=LOUNGE, before=9, page=(), reaches_start=True)
    other = events.NewestCame(place=RoomPlace("other"), page=(), reaches_start=True)

    assert played(stale, other, state=state) == state


def test_the_separator_stands_where_reading_stopped_and_nowhere_when_all_was_read():
    some = played(events.RoomsTold((followed(3, 5),)), events.Opened(place=LOUNGE, name="Lounge"))
    none = played(events.RoomsTold((followed(5, 5),)), events.Opened(place=LOUNGE, name="Lounge"))

    assert (some.open.read_before, none.open.read_before) == (3, None)


def test_what_changes_nothing_is_the_same_state():
    """What is shown is drawn when the state is another one, and drawing tells where it is scrolled to."""
    state = played(*opened(1))

    assert after(state, events.Scrolled(at_end=True)) is state
    assert after(state, events.Scrolled(at_end=False)) is not state


def test_drafts_are_kept_per_place():
    state = played(
        *opened(1),
        events.Drafted(LOUNGE, "half a"),
        events.Opened(place=BOB, name="bob"),
        events.Drafted(BOB, "other"),
        events.Drafted(BOB, ""),
    )

    assert state.draft == ""
    assert played(*opened(1), state=state).draft == "half a"


def test_a_connection_that_does_not_come_back_is_called_offline():
    first = lost(Live(), 1.0)
    assert not first.offline
    assert lost(lost(first, 2.0), 3.0).offline
    assert lost(Connecting(), 1.0) == Waiting(1.0, 1)
