"""People: signing up, in and out."""

import asyncio
from contextlib import suppress

import pytest
from structlog.testing import capture_logs

from hubbub.domain.errors import (
    BadInput,
    NameTaken,
    NoSuchSession,
    NoSuchUser,
    NotSignedIn,
    SignUpClosed,
    TooFast,
    TooMany,
    WrongCredentials,
)
from hubbub.domain.ids import UserId
from hubbub.service.accounts import MAX_SESSIONS
from hubbub.service.limits import DEFAULTS, Limits
from hubbub.service.passwords import Passwords
from hubbub.service.security import MAX_AGENT_CHARACTERS
from hubbub.service.tokens import token_hash

from .conftest import CHEAP, SESSION_SECONDS

HOME, ELSEWHERE = "192.0.2.1", "198.51.100.9"
SECRET = "correct horse"


@pytest.fixture
async def ada(accounts):
    return await accounts.sign_up("Ada", SECRET, address=HOME)


async def sign_in(accounts, name="ada", password=SECRET, address=HOME, agent="curl", device=None):
    return await accounts.sign_in(name, password, address=address, agent=agent, device=device)


async def refused(accounts, error, **attempt):
    """The refusal of a sign-in, as a client could see it."""
    with pytest.raises(error) as caught:
        await sign_in(accounts, **attempt)
    return type(caught.value), str(caught.value), caught.value.members


# -- signing up -------------------------------------------------------------


async def test_who_signed_up_is_known_by_the_handle_in_lower_case(accounts, clock, ada):
    assert ada.name == "ada"
    assert ada.created_at_ms == clock.now_ms()
    assert await accounts.user("aDA") == ada


async def test_a_name_is_given_once(accounts, ada):
    with pytest.raises(NameTaken) as caught:
        await accounts.sign_up("ADA", "another password", address=HOME)
    assert caught.value.members["conflicts_with"] == "/user/ada"


async def test_of_two_who_want_one_name_at_once_one_gets_it(accounts):
    outcomes = await asyncio.gather(
        *(accounts.sign_up("ada", SECRET, address=HOME) for _ in range(2)), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NameTaken", "User"]


@pytest.mark.parametrize(
    ("name", "password"), [("", SECRET), ("a b", SECRET), ("ada", "short"), ("ada", "x" * 1025)]
)
async def test_a_bad_name_or_password_makes_no_account(accounts, name, password):
    with pytest.raises(BadInput):
        await accounts.sign_up(name, password, address=HOME)
    assert not (await accounts.users())[0]


async def test_a_closed_server_takes_no_sign_ups(accounts_with):
    closed = accounts_with(sign_up_open=False)
    with pytest.raises(SignUpClosed):
        await closed.sign_up("ada", SECRET, address=HOME)


async def test_one_address_signs_up_so_many_and_no_more(accounts):
    for number in range(DEFAULTS["sign_ups"].quota):
        await accounts.sign_up(f"user{number}", SECRET, address=HOME)
    with pytest.raises(TooFast):
        await accounts.sign_up("onemore", SECRET, address=HOME)
    assert await accounts.sign_up("onemore", SECRET, address=ELSEWHERE)


async def test_looking_for_free_names_counts_as_signing_up(accounts, limits, ada):
    before = limits.sign_ups.peek(HOME).remaining
    with pytest.raises(NameTaken):
        await accounts.sign_up("ada", SECRET, address=HOME)
    assert limits.sign_ups.peek(HOME).remaining == before - 1


# -- looking people up ------------------------------------------------------


@pytest.mark.parametrize("name", ["nobody", "", "a b", "é", "\ud800"])
async def test_what_is_nobodys_name_is_not_found(accounts, name):
    with pytest.raises(NoSuchUser):
        await accounts.user(name)


async def test_users_are_listed_by_name_and_paged(accounts):
    for name in ("cleo", "bob", "ada", "bert"):
        await accounts.sign_up(name, SECRET, address=HOME)
    first, more = await accounts.users(limit=3)
    assert [user.name for user in first] == ["ada", "bert", "bob"]
    assert more
    rest, more = await accounts.users(after="bob", limit=3)
    assert [user.name for user in rest] == ["cleo"]
    assert not more
    assert [user.name for user in (await accounts.users("BE"))[0]] == ["bert"]
    assert [user.name for user in (await accounts.users(after="az"))[0]] == ["bert", "bob", "cleo"]


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 501}, {"after": "a b"}])
async def test_a_list_of_users_is_asked_for_properly(accounts, query):
    with pytest.raises(BadInput):
        await accounts.users(**query)


# -- signing in -------------------------------------------------------------


async def test_a_sign_in_gives_a_token_that_proves_the_session(accounts, clock, ada):
    token, session = await sign_in(accounts, name="ADA")
    assert (session.user, session.agent, session.created_at_ms) == ("ada", "curl", clock.now_ms())
    assert session.expires_at_ms == clock.now_ms() + SESSION_SECONDS * 1000
    assert await accounts.authenticate(token) == session
    assert await accounts.by_id(session.id) == session


async def test_a_token_is_nowhere_in_the_store(accounts, store, tmp_path, ada):
    token, session = await sign_in(accounts)
    assert await store.session_by_token(token_hash(token)) == session
    for file in (tmp_path / "data").iterdir():
        assert token.encode() not in file.read_bytes()
        assert SECRET.encode() not in file.read_bytes()


async def test_what_a_client_calls_itself_is_kept_short_and_printable(accounts, ada):
    _, session = await sign_in(accounts, agent="\x1b[31m bot\r\n" + "x" * 1000)
    assert session.agent.startswith("[31m bot")
    assert len(session.agent) == MAX_AGENT_CHARACTERS


@pytest.mark.parametrize("token", ["", "hb_", "hb_" + "A" * 43, "é" * 46, "hb_" + "\ud800" * 43])
async def test_what_is_nobodys_token_signs_nobody_in(accounts, token):
    with pytest.raises(NotSignedIn):
        await accounts.authenticate(token)


async def test_what_is_no_token_at_all_is_not_looked_for(accounts, store, monkeypatch):
    monkeypatch.setattr(store, "session_by_token", None)
    with pytest.raises(NotSignedIn):
        await accounts.authenticate("password123")


async def test_unknown_wrong_and_disabled_are_refused_alike_after_the_same_work(
    accounts, store, clock, passwords, monkeypatch, ada
):
    await accounts.sign_up("gone", SECRET, address=HOME)
    await store.disable(UserId("gone"), clock.now_ms())
    work = []
    verify = passwords.verify

    async def counted(password_hash, password):
        work.append(password_hash is not None)
        return await verify(password_hash, password)

    monkeypatch.setattr(passwords, "verify", counted)
    unknown = await refused(accounts, WrongCredentials, name="nobody")
    wrong = await refused(accounts, WrongCredentials, password="wrong horse")
    disabled = await refused(accounts, WrongCredentials, name="gone")
    assert unknown == wrong == disabled
    assert work == [False, True, False]  # a hash each; see test_passwords for what the others cost
    assert accounts.sign_in_failures == 3


async def test_who_is_disabled_while_the_password_is_checked_does_not_get_in(
    accounts, store, clock, passwords, monkeypatch, ada
):
    verify = passwords.verify

    async def slow(password_hash, password):
        right = await verify(password_hash, password)
        await store.disable(UserId("ada"), clock.now_ms())
        return right

    monkeypatch.setattr(passwords, "verify", slow)
    await refused(accounts, WrongCredentials)
    assert not await accounts.sessions(UserId("ada"))


async def test_a_password_replaced_while_it_is_checked_lets_nobody_in(
    accounts, store, passwords, monkeypatch, ada
):
    verify = passwords.verify

    async def slow(password_hash, password):
        right = await verify(password_hash, password)
        await store.set_password(UserId("ada"), passwords.hash_now("another password"))
        return right

    monkeypatch.setattr(passwords, "verify", slow)
    await refused(accounts, WrongCredentials)
    assert not await accounts.sessions(UserId("ada"))


async def test_a_password_replaced_as_the_session_begins_lets_nobody_in(accounts, store, monkeypatch, ada):
    """Whoever replaces it ends the sessions there are, and this one would come behind that."""
    begin = store.create_session

    async def late(*words, **more):
        await store.set_password(UserId("ada"), "another")
        await begin(*words, **more)

    monkeypatch.setattr(store, "create_session", late)
    await refused(accounts, WrongCredentials)
    assert not await accounts.sessions(UserId("ada"))
    assert accounts.sign_in_failures == 1


async def test_who_was_enabled_again_signs_in(accounts, store, clock, ada):
    await store.disable(UserId("ada"), clock.now_ms())
    await refused(accounts, WrongCredentials)
    await store.disable(UserId("ada"), None)
    assert await sign_in(accounts)


async def test_a_name_that_cannot_be_is_bad_input(accounts):
    await refused(accounts, BadInput, name="a b")


# -- the throttle -----------------------------------------------------------

TRIES = DEFAULTS["sign_ins_by_place"].quota
STRANGERS_TRIES = DEFAULTS["sign_ins_by_account"].quota


async def test_guessing_at_a_name_is_throttled_alike_whether_or_not_somebody_has_it(
    accounts, store, clock, ada
):
    await accounts.sign_up("gone", SECRET, address=HOME)
    await store.disable(UserId("gone"), clock.now_ms())
    seen = {}
    for name in ("ada", "nobody", "gone"):
        seen[name] = [
            await refused(accounts, WrongCredentials, name=name, password="x") for _ in range(TRIES)
        ]
        seen[name] += [await refused(accounts, TooFast, name=name, password=guess) for guess in ("x", SECRET)]
    assert seen["ada"] == seen["nobody"] == seen["gone"]


async def test_a_throttled_guess_is_not_even_looked_at(accounts, store, passwords, monkeypatch, ada):
    for _ in range(TRIES):
        await refused(accounts, WrongCredentials, password="x")
    monkeypatch.setattr(passwords, "verify", None)
    monkeypatch.setattr(store, "credential", None)
    await refused(accounts, TooFast)


async def test_many_guesses_at_once_are_counted_before_any_is_known_to_be_wrong(accounts, ada):
    attempts = [sign_in(accounts, password="x") for _ in range(TRIES * 3)]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert sum(isinstance(outcome, TooFast | TooMany) for outcome in outcomes) >= TRIES * 2
    assert accounts.sign_in_failures <= TRIES


async def test_the_throttle_lets_go_with_time(accounts, clock, ada):
    for _ in range(TRIES):
        await refused(accounts, WrongCredentials, password="x")
    _, _, told = await refused(accounts, TooFast)
    clock.pass_(told["retry_after"])
    assert await sign_in(accounts)


async def test_signing_in_rightly_does_not_use_up_the_accounts_tries(accounts, limits, ada):
    for _ in range(TRIES * 2):
        await sign_in(accounts)
    assert limits.sign_ins_by_place.peek(f"ada {HOME}").remaining == TRIES
    assert limits.sign_ins_by_account.peek("ada").remaining == STRANGERS_TRIES


async def use_up_the_account(accounts, limits, name="ada"):
    """What strangers at thousands of addresses could do, without their thousands of hashes."""
    limits.sign_ins_by_account.take(name, STRANGERS_TRIES)
    told = await refused(accounts, TooFast, name=name, address="203.0.113.77")
    assert told[2]["policy"] == "sign_ins_by_account"


async def test_a_strangers_wrong_guesses_do_not_keep_the_owner_out(accounts, ada):
    """It was so: ten guesses from anywhere, and the right password was refused everywhere."""
    for _ in range(TRIES):
        await refused(accounts, WrongCredentials, password="x", address=ELSEWHERE)
    told = await refused(accounts, TooFast, address=ELSEWHERE)
    assert told[2]["policy"] == "sign_ins_by_place"
    assert await sign_in(accounts)


async def test_an_address_that_never_tires_closes_the_account_to_itself_alone(accounts, clock, limits, ada):
    """However it spreads its guesses over the hours, less than what all strangers have is used up."""
    tries = limits.sign_ins_by_place, limits.sign_ins_by_account
    for _ in range(3 * 360):
        with suppress(TooFast):
            tries[0].take(f"ada {ELSEWHERE}")
            tries[1].take("ada")
        assert tries[1].peek("ada").remaining >= STRANGERS_TRIES // 4
        clock.pass_(10)
    assert await sign_in(accounts, address="203.0.113.1")


async def test_where_somebody_signed_in_before_strangers_do_not_count(accounts, limits, ada):
    await sign_in(accounts, address=HOME)
    await use_up_the_account(accounts, limits)
    assert await sign_in(accounts, address=HOME)
    await refused(accounts, WrongCredentials, address=HOME, password="x")
    await refused(accounts, TooFast, address=ELSEWHERE)


async def test_a_browser_that_was_signed_in_before_is_no_stranger_wherever_it_is(accounts, limits, ada):
    proof = accounts.device_proof(ada.name)
    await use_up_the_account(accounts, limits)
    assert await sign_in(accounts, address="203.0.113.1", device=proof)
    for _ in range(TRIES):
        await refused(accounts, WrongCredentials, password="x", address="203.0.113.2", device=proof)
    await refused(accounts, TooFast, address="203.0.113.3", device=proof)


async def test_a_proof_of_one_account_is_none_for_another(accounts, limits, ada):
    await accounts.sign_up("eve", SECRET, address=HOME)
    eves = accounts.device_proof(UserId("eve"))
    await use_up_the_account(accounts, limits)
    id, _, signature = accounts.device_proof(ada.name).partition(".")
    for forged in (eves, f"{id}.", f".{signature}", id, f"x{id}.{signature}", f"{id}.{signature}é", "."):
        await refused(accounts, TooFast, address="203.0.113.1", device=forged)


async def test_one_address_may_try_so_often_whatever_the_names(accounts, limits):
    limits.sign_ins_by_address.take(HOME, DEFAULTS["sign_ins_by_address"].quota - 1)
    await refused(accounts, WrongCredentials, name="nobody")
    await refused(accounts, TooFast, name="somebody")
    await refused(accounts, WrongCredentials, name="somebody", address=ELSEWHERE)


async def test_signing_in_rightly_still_counts_for_the_address_that_makes_the_work(accounts, limits, ada):
    before = limits.sign_ins_by_address.peek(HOME).remaining
    await sign_in(accounts)
    assert limits.sign_ins_by_address.peek(HOME).remaining == before - 1


async def test_who_found_the_server_too_busy_has_lost_no_try(accounts_with, limits):
    busy = Passwords(workers=1, queue=0, cost=CHEAP)
    for _ in range(1):
        busy._places.acquire()
    accounts = accounts_with(passwords=busy)
    before = [limiter.peek(key) for limiter, key in _tries(limits)]
    await refused(accounts, TooMany)
    with pytest.raises(TooMany):
        await accounts.sign_up("ada", SECRET, address=HOME)
    assert [limiter.peek(key) for limiter, key in _tries(limits)] == before
    busy.close()


def _tries(limits):
    return [
        (limits.sign_ins_by_account, "ada"),
        (limits.sign_ins_by_place, f"ada {HOME}"),
        (limits.sign_ins_by_address, HOME),
        (limits.sign_ups, HOME),
    ]


async def test_with_limits_off_nobody_is_throttled(accounts_with):
    accounts = accounts_with(limits=Limits.off())
    for _ in range(TRIES * 3):
        await refused(accounts, WrongCredentials)


# -- sessions and signing out -----------------------------------------------


async def test_a_token_that_was_signed_out_signs_nobody_in(accounts, ada):
    token, session = await sign_in(accounts)
    other, _ = await sign_in(accounts)
    await accounts.authenticate(token)
    await accounts.sign_out(session)
    with pytest.raises(NotSignedIn):
        await accounts.authenticate(token)
    with pytest.raises(NotSignedIn):
        await accounts.by_id(session.id)
    with pytest.raises(NotSignedIn):
        await accounts.touch(session)
    assert await accounts.authenticate(other)


async def test_a_user_sees_and_ends_the_other_sessions(accounts, clock, ada):
    _, phone = await sign_in(accounts, agent="phone")
    clock.pass_(1)
    token, desk = await sign_in(accounts, agent="desk")
    assert await accounts.sessions(ada.name) == [phone, desk]
    await accounts.sign_out(phone, desk.id)
    assert await accounts.sessions(ada.name) == [phone]
    with pytest.raises(NotSignedIn):
        await accounts.authenticate(token)


@pytest.mark.parametrize("id", ["nosuch", "", "../x"])
async def test_a_session_that_is_not_there_cannot_be_ended(accounts, ada, id):
    _, session = await sign_in(accounts)
    with pytest.raises(NoSuchSession):
        await accounts.sign_out(session, id)


async def test_nobody_ends_or_learns_of_anothers_session(accounts, ada):
    await accounts.sign_up("eve", SECRET, address=HOME)
    token, adas = await sign_in(accounts)
    _, eves = await sign_in(accounts, name="eve")
    with pytest.raises(NoSuchSession) as others:
        await accounts.sign_out(eves, adas.id)
    with pytest.raises(NoSuchSession) as nobodys:
        await accounts.sign_out(eves, "nosuch")
    assert str(others.value) == str(nobodys.value)
    assert await accounts.authenticate(token) == adas


async def test_with_very_many_sessions_the_one_unused_the_longest_ends(accounts, store, clock, ada):
    tokens = []
    for _ in range(MAX_SESSIONS):
        token, _ = await sign_in(accounts)
        tokens.append(token)
        clock.pass_(1)
    clock.pass_(SESSION_SECONDS / 10)
    await accounts.authenticate(tokens[0])
    await accounts.tick()
    await sign_in(accounts, address=ELSEWHERE)
    assert len(await accounts.sessions(ada.name)) == MAX_SESSIONS
    assert await accounts.authenticate(tokens[0])
    with pytest.raises(NotSignedIn):
        await accounts.authenticate(tokens[1])
    assert await accounts.authenticate(tokens[2])


# -- the security log -------------------------------------------------------


async def test_the_security_log_tells_who_came_and_went_and_no_secret(accounts):
    with capture_logs() as told:
        await accounts.sign_up("ada", SECRET, address=HOME)
        token, session = await sign_in(accounts)
        await refused(accounts, WrongCredentials, password="wrong horse")
        await accounts.sign_out(session)
    assert [(entry["event"], entry["user"]) for entry in told] == [
        ("signed up", "ada"),
        ("signed in", "ada"),
        ("sign-in failed", "ada"),
        ("session ended", "ada"),
    ]
    assert {"user", "session", "address", "agent"} <= told[0].keys() & told[1].keys() & told[2].keys()
    assert (told[1]["session"], told[1]["agent"]) == (session.id, "curl")
    assert told[2]["address"] == HOME
    for secret in (SECRET, "wrong horse", token, token_hash(token).hex()):
        assert secret not in str(told)


async def test_a_password_typed_as_a_name_is_not_logged(accounts, ada):
    with capture_logs() as told:
        await refused(accounts, WrongCredentials, name="tr0ub4dor-3")
    assert told[0]["event"] == "sign-in failed"
    assert "tr0ub4dor-3" not in str(told)
