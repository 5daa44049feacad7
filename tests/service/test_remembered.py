"""Sessions looked up lately."""

from msgspec.structs import replace

from hubbub.domain.ids import SessionId, UserId
from hubbub.domain.model import Session
from hubbub.service.remembered import Remembered


def session(id):
    return Session(id=SessionId(id), user=UserId("ada"), created_at_ms=1, expires_at_ms=1000)


def filled(*ids, most=2):
    remembered = Remembered(most)
    for id in ids:
        remembered.keep(session(id), id.encode())
    return remembered


def test_a_session_is_found_by_its_token_and_by_its_id():
    remembered = filled("a")
    assert remembered.by_token(b"a") == remembered.by_id(SessionId("a")) == session("a")
    assert remembered.by_token(b"b") is None
    assert remembered.by_id(SessionId("b")) is None


def test_the_least_recently_used_is_let_go():
    remembered = filled("a", "b")
    remembered.by_token(b"a")
    remembered.keep(session("c"), b"c")
    assert remembered.by_id(SessionId("b")) is None
    assert remembered.by_token(b"a")
    assert remembered.by_token(b"c")
    assert len(remembered) == 2


def test_an_update_changes_what_is_remembered_and_brings_nothing_back():
    remembered = filled("a")
    later = replace(session("a"), expires_at_ms=2000)
    remembered.update(later)
    assert remembered.by_token(b"a") is later
    remembered.forget(later.id)
    remembered.update(later)
    assert remembered.by_token(b"a") is None


def test_forgetting_is_counted_so_that_an_old_answer_is_not_kept():
    remembered = filled("a")
    before = remembered.forgettings
    remembered.forget(SessionId("unknown"))
    assert remembered.forgettings == before + 1
    remembered.forget_all()
    assert remembered.forgettings == before + 2
    assert len(remembered) == 0
    assert remembered.by_id(SessionId("a")) is None
