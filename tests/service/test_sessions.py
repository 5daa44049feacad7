"""Sessions through time: how long they live, and that live streams end with them."""

import random

import pytest

from hubbub.domain.errors import NotSignedIn, StorageFull
from hubbub.domain.ids import UserId
from hubbub.storage.sqlite import SqliteStore

from .conftest import SESSION_SECONDS, Stream

HOME = "192.0.2.1"
SECRET = "correct horse"
STEP = SESSION_SECONDS / 20


@pytest.fixture
async def ada(accounts):
    """Her token and her session, with a first tick behind them."""
    await accounts.sign_up("ada", SECRET, address=HOME)
    token, session = await accounts.sign_in("ada", SECRET, address=HOME, agent="")
    await accounts.tick()
    return token, session


@pytest.fixture
async def command_line(tmp_path, clock, store):
    """`hubbub user …`, beside the server: another process as far as the database can see."""
    shared = SqliteStore.open_shared(
        tmp_path / "data", now_ms=clock.now_ms, randomness=random.Random(8).randbytes
    )
    yield shared
    await shared.close()


@pytest.fixture
def told():
    return []


async def every_second(accounts, clock, seconds):
    for _ in range(int(seconds)):
        clock.pass_(1)
        await accounts.tick()


# -- sliding ----------------------------------------------------------------


async def test_a_session_unused_for_its_lifetime_is_over(accounts, clock, ada):
    token, session = ada
    await accounts.authenticate(token)
    clock.pass_(SESSION_SECONDS - 0.001)
    assert session.alive(clock.now_ms())
    clock.pass_(0.001)
    for proof in (accounts.authenticate(token), accounts.by_id(session.id), accounts.touch(session)):
        with pytest.raises(NotSignedIn):
            await proof
    assert not await accounts.sessions(session.user)


async def test_a_session_that_is_used_lives_on(accounts, clock, ada):
    token, session = ada
    for _ in range(5):
        clock.pass_(SESSION_SECONDS * 0.9)
        session = await accounts.authenticate(token)
        assert session.expires_at_ms == clock.now_ms() + SESSION_SECONDS * 1000
        await accounts.tick()
    assert await accounts.sessions(session.user) == [session]


async def test_a_session_that_a_stream_touches_lives_on(accounts, clock, ada):
    _, session = ada
    for _ in range(5):
        clock.pass_(SESSION_SECONDS * 0.9)
        await accounts.touch(session)  # the stream holds the session as it was when it began
        await accounts.tick()
    assert (await accounts.by_id(session.id)).expires_at_ms == clock.now_ms() + SESSION_SECONDS * 1000


async def test_an_expiry_is_written_once_in_a_twentieth_of_the_lifetime(
    accounts, store, clock, monkeypatch, ada
):
    token, session = ada
    written = []
    extend = store.extend_session

    async def counted(id, expires_at_ms):
        written.append(id)
        await extend(id, expires_at_ms)

    monkeypatch.setattr(store, "extend_session", counted)
    accounts.watch(session, Stream(lambda _: None))
    for _ in range(100):
        clock.pass_(STEP / 10)
        await accounts.authenticate(token)
        await accounts.touch(session)
        await accounts.tick()
    assert len(written) == 10


async def test_a_full_disk_signs_nobody_out(accounts, store, clock, monkeypatch, ada):
    token, session = ada
    extend = store.extend_session

    async def full(id, expires_at_ms):
        raise StorageFull

    monkeypatch.setattr(store, "extend_session", full)
    clock.pass_(STEP)
    slid = await accounts.authenticate(token)
    await accounts.tick()
    assert (await store.session(session.id)).expires_at_ms == session.expires_at_ms

    monkeypatch.setattr(store, "extend_session", extend)
    await accounts.tick()
    assert (await store.session(session.id)).expires_at_ms == slid.expires_at_ms


async def test_a_full_disk_ends_no_stream_that_is_in_use(accounts, store, clock, monkeypatch, told, ada):
    _, session = ada

    async def full(id, expires_at_ms):
        raise StorageFull

    monkeypatch.setattr(store, "extend_session", full)
    accounts.watch(session, Stream(told.append))
    clock.pass_(SESSION_SECONDS - 1)
    await accounts.touch(session)
    await accounts.tick()
    clock.pass_(2)
    accounts.watch(session, Stream(told.append))
    await accounts.tick()
    assert told == []


async def test_a_session_that_slides_while_its_slide_is_written_slides_on(
    accounts, store, clock, monkeypatch, ada
):
    token, session = ada
    extend = store.extend_session

    async def slow(id, expires_at_ms):
        await extend(id, expires_at_ms)
        if clock.now_ms() < session.created_at_ms + 2 * STEP * 1000:
            clock.pass_(STEP)
            await accounts.authenticate(token)

    monkeypatch.setattr(store, "extend_session", slow)
    clock.pass_(STEP)
    await accounts.authenticate(token)
    await accounts.tick()
    await accounts.tick()
    stored = await store.session(session.id)
    assert stored.expires_at_ms == clock.now_ms() + SESSION_SECONDS * 1000
    assert stored.expires_at_ms == session.expires_at_ms + 2 * STEP * 1000


async def test_a_session_that_slid_and_ended_is_not_written_again(accounts, store, clock, monkeypatch, ada):
    token, session = ada
    clock.pass_(STEP)
    await accounts.authenticate(token)
    await accounts.sign_out(session)
    monkeypatch.setattr(store, "extend_session", None)
    await accounts.tick()


async def test_a_stream_in_use_asks_the_store_nothing(accounts, store, monkeypatch, ada):
    _, session = ada
    accounts.watch(session, Stream(lambda _: None))
    monkeypatch.setattr(store, "session", None)
    assert await accounts.touch(session) == session


async def test_most_requests_ask_the_store_nothing(accounts, store, monkeypatch, ada):
    token, session = ada
    await accounts.authenticate(token)
    monkeypatch.setattr(store, "session_by_token", None)
    monkeypatch.setattr(store, "session", None)
    assert await accounts.authenticate(token) == session
    assert await accounts.by_id(session.id) == session
    assert await accounts.touch(session) == session


async def test_a_session_signed_out_while_it_is_looked_up_is_not_remembered(
    accounts, store, monkeypatch, ada
):
    token, session = ada
    look_up = store.session_by_token

    async def slow(hashed):
        found = await look_up(hashed)
        await accounts.sign_out(session)
        return found

    monkeypatch.setattr(store, "session_by_token", slow)
    await accounts.authenticate(token)
    monkeypatch.setattr(store, "session_by_token", look_up)
    with pytest.raises(NotSignedIn):
        await accounts.authenticate(token)


async def test_expired_sessions_are_removed_from_the_store(accounts, store, clock, ada):
    _, session = ada
    clock.pass_(SESSION_SECONDS + 60)
    await accounts.tick()
    assert await store.session(session.id) is None


# -- streams end with their session -----------------------------------------


async def test_signing_out_ends_the_sessions_streams_at_once_and_no_others(accounts, told, ada):
    _, session = ada
    _, other = await accounts.sign_in("ada", SECRET, address=HOME, agent="")
    accounts.watch(session, Stream(told.append))
    accounts.watch(session, Stream(told.append))
    accounts.watch(other, Stream(lambda _: pytest.fail("another session")))
    await accounts.sign_out(session)
    assert told == ["signed-out", "signed-out"]


async def test_a_stream_that_is_no_longer_watched_is_told_nothing(accounts, told, ada):
    _, session = ada
    stream = Stream(told.append)
    accounts.watch(session, stream)
    accounts.unwatch(session, stream)
    await accounts.sign_out(session)
    await accounts.tick()
    assert told == []


async def test_a_stream_ends_in_the_second_its_session_expires(accounts, clock, told, ada):
    _, session = ada
    accounts.watch(session, Stream(told.append))
    await every_second(accounts, clock, SESSION_SECONDS - 1)
    assert told == []
    await every_second(accounts, clock, 1)
    assert told == ["expired"]


async def test_a_stream_whose_session_slid_on_stays(accounts, clock, told, ada):
    token, session = ada
    accounts.watch(session, Stream(told.append))
    await every_second(accounts, clock, SESSION_SECONDS - 1)
    await accounts.authenticate(token)
    await every_second(accounts, clock, SESSION_SECONDS - 1)
    assert told == []
    await every_second(accounts, clock, 1)
    assert told == ["expired"]


async def test_a_stream_whose_session_another_server_slid_on_stays(
    accounts, store, clock, command_line, told, ada
):
    _, session = ada
    accounts.watch(session, Stream(told.append))
    await command_line.extend_session(session.id, session.expires_at_ms + 5000)
    await every_second(accounts, clock, SESSION_SECONDS + 4)
    assert told == []
    assert (await accounts.by_id(session.id)).expires_at_ms == session.expires_at_ms + 5000
    await every_second(accounts, clock, 1)
    assert told == ["expired"]


async def test_a_stream_that_leaves_while_its_session_is_looked_up_is_told_nothing(
    accounts, store, command_line, monkeypatch, told, ada
):
    _, session = ada
    stream = Stream(told.append)
    accounts.watch(session, stream)
    await accounts.tick()
    await command_line.end_sessions(UserId("ada"))
    look_up = store.session

    async def slow(id):
        accounts.unwatch(session, stream)
        return await look_up(id)

    monkeypatch.setattr(store, "session", slow)
    await accounts.tick()
    assert told == []


async def test_a_stream_opened_while_its_session_was_ending_ends_at_the_next_tick(accounts, told, ada):
    _, session = ada
    await accounts.sign_out(session)
    accounts.watch(session, Stream(told.append))
    await accounts.tick()
    assert told == ["signed-out"]


async def test_disabling_a_user_from_the_command_line_ends_what_is_open(
    accounts, clock, command_line, told, ada
):
    token, session = ada
    accounts.watch(session, Stream(told.append))
    await accounts.tick()
    await command_line.disable(UserId("ada"), clock.now_ms())
    await accounts.tick()
    assert told == ["disabled"]
    with pytest.raises(NotSignedIn):
        await accounts.authenticate(token)


async def test_ending_sessions_from_the_command_line_ends_what_is_open(accounts, command_line, told, ada):
    token, session = ada
    await accounts.authenticate(token)
    accounts.watch(session, Stream(told.append))
    await accounts.tick()
    await command_line.end_sessions(UserId("ada"))
    await accounts.tick()
    assert told == ["signed-out"]
    with pytest.raises(NotSignedIn):
        await accounts.authenticate(token)


async def test_ending_sessions_from_the_command_line_ends_those_without_streams_too(
    accounts, command_line, ada
):
    token, _ = ada
    await accounts.authenticate(token)
    await command_line.end_sessions(UserId("ada"))
    await accounts.tick()
    with pytest.raises(NotSignedIn):
        await accounts.authenticate(token)


async def test_what_another_process_does_to_others_ends_nothing(accounts, command_line, told, ada):
    token, session = ada
    accounts.watch(session, Stream(told.append))
    await command_line.end_sessions(UserId("nobody"))
    await accounts.tick()
    assert told == []
    assert await accounts.authenticate(token) == session


async def test_a_quiet_second_looks_at_no_session(accounts, store, monkeypatch, told, ada):
    _, session = ada
    accounts.watch(session, Stream(told.append))
    await accounts.tick()
    monkeypatch.setattr(store, "session", None)
    await accounts.tick()
    assert told == []


async def test_a_tick_that_failed_halfway_is_made_up_for_by_the_next(
    accounts, store, command_line, monkeypatch, told, ada
):
    _, session = ada
    accounts.watch(session, Stream(told.append))
    await accounts.tick()
    await command_line.end_sessions(UserId("ada"))
    look_up = store.session

    async def failing(id):
        raise StorageFull

    monkeypatch.setattr(store, "session", failing)
    with pytest.raises(StorageFull):
        await accounts.tick()
    monkeypatch.setattr(store, "session", look_up)
    await accounts.tick()
    assert told == ["signed-out"]
