"""Nobody sees what is not for them: what passes between two people is looked for by a third, everywhere."""

import json

import pytest

from conformance.sockets import UPGRADE, talk
from conformance.wire import wire
from security.proofs import Proofs, body
from support.deadline import deadline
from support.seeded import PASSWORD, token_of

SECRET = "meet me at the old mill"
PEOPLE = ("ada", "bob", "cyd")


@pytest.fixture
async def said(target):
    """Ada has written to bob, and he to her; cyd has a message of her own."""
    for name, other, text in (
        ("ada", "bob", SECRET),
        ("bob", "ada", f"yes: {SECRET}"),
        ("bob", "cyd", "for cyd"),
    ):
        answer = await target.other.asks("POST", f"/user/{other}/messages", token_of(name), body(text=text))
        assert answer.status == 201
    return target


async def texts(target, path, name):
    answer = await target.other.asks("GET", path, token_of(name))
    assert answer.status == 200, answer
    return [event["text"] for event in json.loads(answer.body)]


async def test_an_inbox_shows_its_owner_what_was_posted_to_them_and_nobody_else(said):
    assert await texts(said, "/inbox/messages", "ada") == [f"yes: {SECRET}"]
    assert await texts(said, "/inbox/messages", "bob") == [SECRET]
    assert await texts(said, "/inbox/messages", "cyd") == ["for cyd"]
    assert await texts(said, "/inbox/messages", "dan") == []


async def test_a_conversation_is_read_by_its_two_sides_alone(said):
    both = [SECRET, f"yes: {SECRET}"]
    assert await texts(said, "/user/bob/messages", "ada") == both
    assert await texts(said, "/user/ada/messages", "bob") == both
    for name, other in (("cyd", "ada"), ("dan", "ada"), ("dan", "bob"), ("ada", "cyd")):
        assert await texts(said, f"/user/{other}/messages", name) == []
    assert await texts(said, "/user/bob/messages", "cyd") == ["for cyd"]


async def test_every_entry_of_an_inbox_is_its_owners(said):
    """By number too: a third asks for each there may be, and is given her own alone."""
    seen = []
    for seq in range(1, 6):
        answer = await said.other.asks("GET", f"/inbox/messages/{seq}", token_of("cyd"))
        seen.append(answer.status)
        assert SECRET.encode() not in answer.body
    assert seen == [200, 404, 404, 404, 404]


async def test_sent_copies_go_to_the_sender_alone_and_messages_to_whom_they_are_for(said):
    events = {}
    for name in PEOPLE:
        async with talk(said.server.address, token_of(name)) as ear:
            reply = await ear.asks(type="subscribe", inbox=True, after=0)
            events[name] = [await ear.json() for _ in range(reply["head"])]
    summary = {name: [(e["type"], e["sender"], e["to"]) for e in seen] for name, seen in events.items()}
    assert summary == {
        "ada": [("sent", "ada", "bob"), ("message", "bob", "ada")],
        "bob": [("message", "ada", "bob"), ("sent", "bob", "ada"), ("sent", "bob", "cyd")],
        "cyd": [("message", "bob", "cyd")],
    }


@pytest.mark.parametrize("how", ["sse", "ndjson", "websocket", "ticket", "many", "long-poll"])
async def test_while_two_talk_a_third_who_listens_hears_only_her_own(target, how):
    """She listens to her inbox by every way there is; the first thing she hears is what is said to her."""
    server = target.server
    proofs = Proofs(server)
    path = {"many": "/subscribe?inbox=", "long-poll": "/inbox/messages?after=0&wait=30"}.get(
        how, "/inbox/subscribe"
    )
    fields = {"Authorization": f"Bearer {token_of('cyd')}"}
    if how == "ticket":
        offer = json.loads((await target.other.asks("GET", path, token_of("cyd"))).body)
        path, fields = offer["event_stream"].removeprefix(server.url), {}
    accept = {"ndjson": "application/x-ndjson", "long-poll": "*/*"}.get(how, "text/event-stream")
    fields |= UPGRADE if how == "websocket" else {"Accept": accept}
    async with wire(server.address) as way:
        way.request("GET", path, **fields)
        if how != "long-poll":
            assert (await way.head()).status in (200, 101)
        await target.until(lambda: bool(server.context.hub.logs_in_memory))
        for name, other, text in (("ada", "bob", SECRET), ("bob", "ada", SECRET), ("ada", "cyd", "for cyd")):
            await proofs.server.context.posting.posted(f"inbox/{other}", name, text)
        heard = b""
        async with deadline():
            while b"for cyd" not in heard:
                heard += await way.reader.read(65_536)
    assert SECRET.encode() not in heard


async def test_each_sees_and_ends_only_their_own_sessions(target):
    listed = {}
    for name in PEOPLE:
        answer = await target.other.asks("GET", "/sessions", token_of(name))
        listed[name] = json.loads(answer.body)
        assert {session["user"] for session in listed[name]} == {name}
        (current,) = [session for session in listed[name] if session["current"]]
        mine = json.loads((await target.other.asks("GET", "/sessions/current", token_of(name))).body)
        assert mine == current
    refused = [
        await target.other.asks("DELETE", f"/sessions/{id}", token_of("cyd"))
        for id in (listed["ada"][0]["id"], "nobodys-session-at-all")
    ]
    assert {answer.status for answer in refused} == {404}
    assert refused[0].body == refused[1].body  # whether it is somebody's is not told
    assert (await target.other.asks("GET", "/sessions/current", token_of("ada"))).status == 200


async def test_what_is_told_of_a_person_is_their_name_and_since_when(target):
    for path in ("/users", "/user/ada"):
        answer = json.loads((await target.other.asks("GET", path, token_of("bob"))).body)
        for person in answer if isinstance(answer, list) else [answer]:
            assert set(person) == {"name", "created_at"}


async def test_no_answer_and_no_stream_says_a_hash_or_a_password(said):
    """Events and answers are made of named members, never of what happens to be in a row."""
    secrets = [PASSWORD.encode(), b"argon2", token_of("ada").encode(), b"token_hash"]
    for path in ("/users", "/user/ada", "/sessions", "/sessions/current", "/inbox/messages", "/rooms"):
        answer = await said.other.asks("GET", path, token_of("ada"))
        assert not [secret for secret in secrets if secret in answer.body], path
