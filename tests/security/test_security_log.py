"""The security log: what happened, to whom, from where, in the same members each time."""

import random

import pytest
from structlog.testing import capture_logs

from conformance.sockets import UPGRADE
from conformance.wire import wire
from hubbub.domain.ids import UserId
from hubbub.service.limits import DEFAULTS, Policy
from hubbub.service.security import MAX_AGENT_CHARACTERS, MAX_CAUSES, QUIET_SECONDS, SecurityLog, Source
from security.proofs import Proofs, body, now_ms
from support.seeded import PASSWORD, token_of
from support.serving import serving

MEMBERS = {"user", "session", "address", "agent"}
PHONE = {"User_Agent": "phone/1.0"}


@pytest.fixture
def told():
    """Entries of the security log: what else is logged has no `address`."""
    with capture_logs() as entries:
        yield entries


def about(told, *events):
    return [entry for entry in told if entry["event"] in events]


async def test_each_event_says_who_and_from_where(data, told):
    async with serving(data) as server, wire(server.address) as way:
        account = body(name="zoe", password=PASSWORD)
        await way.asks("POST", "/users", None, account, **PHONE)
        await way.asks("POST", "/sessions", None, body(name="zoe", password="wrong horse"), **PHONE)
        answer = await way.asks("POST", "/sessions", None, account, **PHONE)
        token = answer.body.partition(b'"token":"')[2].partition(b'"')[0].decode()
        cookie = {"Cookie": f"hubbub_session={token}", "Origin": "https://elsewhere.example"}
        await way.asks("POST", "/rooms", None, body(name="x"), **cookie, **PHONE)
        await way.asks("DELETE", "/sessions/current", token, **PHONE)
    events = about(told, "signed up", "sign-in failed", "signed in", "foreign origin", "session ended")
    assert [entry["event"] for entry in events] == [
        "signed up",
        "sign-in failed",
        "signed in",
        "foreign origin",
        "session ended",
    ]
    for entry in events:
        assert entry.keys() >= MEMBERS
        assert (entry["address"], entry["agent"]) == ("127.0.0.1", "phone/1.0")
    assert [entry["user"] for entry in events] == ["zoe", "zoe", "zoe", None, "zoe"]
    assert events[2]["session"] == events[4]["session"] is not None
    assert events[3]["origin"] == "https://elsewhere.example"
    assert events[4]["reason"] == "signed-out"
    assert [entry["log_level"] for entry in events] == ["info", "warning", "info", "warning", "info"]


@pytest.mark.parametrize("how", ["expired", "disabled"])
async def test_a_session_that_nobody_signed_out_ends_with_its_reason_and_no_address(target, told, how):
    proofs = Proofs(target.server)
    token, session = await proofs.signed_in()
    async with wire(target.server.address) as way:
        way.request("GET", "/inbox/subscribe", token, Accept="text/event-stream")
        await way.head()
        await proofs.end(session, how)
    (ended,) = [entry for entry in about(told, "session ended") if entry["session"] == session.id]
    assert (ended["reason"], ended["user"], ended["address"]) == (how, "ada", None)


async def test_a_page_of_another_site_at_the_websocket_is_told_of_too(target, told):
    async with wire(target.server.address) as way:
        cookie = {"Cookie": f"hubbub_session={token_of('ada')}", "Origin": "https://elsewhere.example"}
        assert (await way.asks("GET", "/ws", **(UPGRADE | cookie))).status == 403
    (entry,) = about(told, "foreign origin")
    assert (entry["address"], entry["origin"]) == ("127.0.0.1", "https://elsewhere.example")


async def test_who_is_held_back_is_told_of_once_and_not_a_thousand_times(data, told):
    few = {"requests": Policy(name="requests", quota=100, window_seconds=3600)}
    async with serving(data, limits=few) as server, wire(server.address) as way:
        for _ in range(DEFAULTS["sign_ins_by_place"].quota + 20):
            await way.asks("POST", "/sessions", None, body(name="ada", password="wrong horse"))
        for _ in range(server.context.limits.requests.peek("127.0.0.1").remaining):
            server.context.limits.requests.take("127.0.0.1")
        for _ in range(5):
            assert (await way.asks("GET", "/rooms", token_of("ada"))).status == 429
    throttled = about(told, "throttled")
    assert [entry["policy"] for entry in throttled] == ["sign_ins_by_place", "requests"]
    assert all(entry.keys() >= MEMBERS for entry in throttled)
    assert throttled[0]["address"] == "127.0.0.1"
    assert throttled[1]["whom"] == "127.0.0.1"


async def test_the_address_is_the_one_that_is_trusted(data, told):
    async with serving(data, settings={"trusted_proxies": ("127.0.0.1",)}) as server:
        async with wire(server.address) as way:
            content = body(name="ada", password="wrong horse")
            await way.asks("POST", "/sessions", None, content, X_Forwarded_For="6.6.6.6, 203.0.113.7")
        await server.store.disable(UserId("eve"), now_ms())
    (failed,) = about(told, "sign-in failed")
    assert failed["address"] == "203.0.113.7"


async def test_a_name_nobody_has_and_a_name_held_back_are_not_told(data, told):
    """It may be a password that was typed into the wrong field."""
    async with serving(data, limits={}) as server, wire(server.address) as way:
        for _ in range(DEFAULTS["sign_ins_by_place"].quota + 1):
            await way.asks("POST", "/sessions", None, body(name="tr0ub4dor-3", password="x"))
    assert len(about(told, "sign-in failed", "throttled")) == DEFAULTS["sign_ins_by_place"].quota + 1
    assert "tr0ub4dor" not in str(told)


class Clock:
    seconds = 0.0

    def __call__(self):
        return self.seconds


def test_what_was_left_unsaid_is_counted(told):
    clock = Clock()
    log = SecurityLog(clock)
    for _ in range(5):
        log.warn_seldom("throttled", Source("192.0.2.1", "x"), cause="a")
    log.warn_seldom("throttled", cause="b")
    clock.seconds = QUIET_SECONDS
    log.warn_seldom("throttled", cause="a")
    assert [(entry["address"], entry["unsaid"]) for entry in told] == [("192.0.2.1", 0), (None, 0), (None, 4)]


def test_remembering_what_was_told_is_bounded(told):
    log = SecurityLog(Clock())
    order = list(range(MAX_CAUSES + 500))
    random.Random(7).shuffle(order)
    for number in order:
        log.warn_seldom("throttled", cause=str(number))
    assert len(log._quiet) == MAX_CAUSES


def test_what_a_client_calls_itself_cannot_write_lines_of_its_own(told):
    SecurityLog().tell("signed in", Source("", "\x1b[2J\r\nforged line\u202e" + "x" * 500), user="ada")
    (entry,) = told
    assert entry["agent"].startswith("[2Jforged linex")
    assert len(entry["agent"]) == MAX_AGENT_CHARACTERS
