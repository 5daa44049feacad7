"""Every operation × every kind of credential: who gets in, and who is told what."""

import pytest

from hubbub.api.gate import COOKIE
from hubbub.api.operations import OPERATIONS

from .checks import check_problem
from .conftest import URL

PARTS = {"{userId}": "ada", "{sessionId}": "none", "{seq}": "1", "{code}": "internal", "{file}": "site.css"}
QUERIES = {"/subscribe": "?inbox"}

CLOSED = [each for each in OPERATIONS if each.access != "anyone"]
OPEN = [each for each in OPERATIONS if each.access == "anyone"]


def name(operation):
    return operation.name


@pytest.fixture
def ask(site, lounge):
    """Ask for an operation with some credential."""

    async def asking(operation, token=None, *, ticket=None, headers=None):
        path = operation.path.replace("{roomId}", lounge)
        for part, value in PARTS.items():
            path = path.replace(part, value)
        path += QUERIES.get(path, "")
        if ticket is not None:
            path += ("&" if "?" in path else "?") + f"ticket={ticket}"
        return await site.ask(operation.method, path, token, headers=headers or {})

    return asking


async def session_of(site, token):
    return await site.context.accounts.authenticate(token)


async def ticket_for(site, token, *logs):
    session = await session_of(site, token)
    return site.context.tickets.issue(session.id, session.user, logs)[0]


@pytest.mark.parametrize("operation", OPEN, ids=name)
async def test_what_is_open_asks_nobody_who_they_are(ask, operation):
    for token in (None, "hb_wrong"):
        assert (await ask(operation, token)).status_code not in (401, 403)


@pytest.mark.parametrize("operation", CLOSED, ids=name)
async def test_without_a_token_nobody_gets_in(ask, operation):
    check_problem(await ask(operation), 401, "not-signed-in")


@pytest.mark.parametrize("operation", CLOSED, ids=name)
@pytest.mark.parametrize("token", ["hb_", "hb_" + "A" * 43, "x", "hb_ä" + "A" * 42])
async def test_a_token_nobody_has_opens_nothing(ask, operation, token):
    check_problem(
        await ask(operation, headers={"Authorization": f"Bearer {token}".encode()}), 401, "not-signed-in"
    )


@pytest.mark.parametrize("operation", CLOSED, ids=name)
async def test_a_token_opens_it(ask, ada, operation):
    assert (await ask(operation, ada)).status_code not in (401, 403)


@pytest.mark.parametrize("operation", CLOSED, ids=name)
async def test_a_signed_out_token_opens_nothing(site, ask, operation):
    eve = await site.sign_up("eve")
    await site.delete("/sessions/current", eve)
    check_problem(await ask(operation, eve), 401, "not-signed-in")


@pytest.mark.parametrize("operation", CLOSED, ids=name)
async def test_an_expired_token_opens_nothing(site, clock, ask, ada, operation):
    clock.pass_(31 * 86_400)
    check_problem(await ask(operation, ada), 401, "not-signed-in")


@pytest.mark.parametrize("operation", CLOSED, ids=name)
async def test_a_disabled_users_token_opens_nothing(site, clock, ask, ada, operation):
    await site.context.accounts._store.disable("ada", clock.now_ms())
    site.context.accounts._remembered.forget_all()
    check_problem(await ask(operation, ada), 401, "not-signed-in")


@pytest.mark.parametrize("operation", CLOSED, ids=name)
async def test_a_cookie_reads_from_anywhere_of_ours_and_changes_only_with_our_origin(ask, ada, operation):
    cookie = {"Cookie": f"{COOKIE}={ada}"}
    bare = await ask(operation, headers=cookie)
    if operation.method == "GET":
        assert bare.status_code not in (401, 403)
    else:
        check_problem(bare, 403, "foreign-origin")
    foreign = await ask(operation, headers={**cookie, "Origin": "https://elsewhere.example"})
    check_problem(foreign, 403, "foreign-origin")
    assert (await ask(operation, headers={**cookie, "Origin": URL})).status_code not in (401, 403)


@pytest.mark.parametrize("operation", CLOSED, ids=name)
async def test_a_ticket_opens_streams_of_its_logs_and_nothing_else(site, ask, ada, lounge, operation):
    ticket = await ticket_for(site, ada, "room/other")
    answer = await ask(operation, ticket=ticket)
    if operation.access != "ticket":
        check_problem(answer, 401, "not-signed-in")
    elif operation.path == "/ws":
        check_problem(answer, 426, "upgrade-required")
    else:
        check_problem(answer, 403, "not-allowed")


async def test_a_ticket_gets_no_further_ticket(site, ask, ada, lounge):
    (subscribe,) = (each for each in OPERATIONS if each.name == "subscribeRoom")
    ticket = await ticket_for(site, ada, f"room/{lounge}")
    check_problem(await ask(subscribe, ticket=ticket), 403, "not-allowed")


async def test_a_room_offers_addresses_that_need_no_authorization(site, ada, lounge):
    answer = await site.get(f"/room/{lounge}/subscribe", ada)
    assert answer.status_code == 202
    offer = answer.json()
    assert offer["cursor"] == f"{site.context.info.epoch}:0"
    assert offer["event_stream"] == answer.headers["location"]
    assert offer["event_stream"].startswith(f"{URL}/room/{lounge}/subscribe?")
    assert offer["websocket"].startswith("ws://chat.example/")
    assert "ticket=" in offer["event_stream"]
    assert ada not in answer.text


@pytest.mark.parametrize(
    ("query", "field"),
    [("", "room"), ("?room=A&room=A", "room"), ("?inbox=x", "after"), ("?inbox&inbox", "inbox")],
)
async def test_a_stream_of_many_logs_names_each_once(site, ada, lounge, query, field):
    answer = await site.get(f"/subscribe{query}", ada)
    assert check_problem(answer, 400, "bad-input")["field"] == field
