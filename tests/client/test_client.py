"""What the verbs are made of, without a server of ours."""

import asyncio
import inspect
import typing
from contextlib import asynccontextmanager

import pytest

import hubbub.client
from hubbub.client import Client, ClientError, NotUnderstood
from support.deadline import deadline

OFFER = (
    b'{"room":"R","cursor":"e:3","event_stream":"http://x/","websocket":"ws://x/",'
    b'"expires_at":"2026-01-01T00:00:00.000Z"}'
)


def answer(status, body, kind=b"application/json"):
    head = b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (status, kind, len(body))
    return head + body


class Answering(asyncio.Protocol):
    """Each request gets the next of the answers, and the last for ever."""

    def __init__(self, answers):
        self.answers = answers

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        if data.startswith((b"GET ", b"POST ")):
            self.transport.write(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])


@asynccontextmanager
async def answering(*answers):
    """A client of somebody who answers so."""

    async def soon(_):
        await asyncio.sleep(0)

    left = list(answers)
    listening = await asyncio.get_running_loop().create_server(lambda: Answering(left), "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with listening, Client(f"http://127.0.0.1:{port}", token="hb_x", sleep=soon) as client, deadline():
        yield client


async def test_an_offer_is_asked_for_again_as_other_reading_is():
    busy = answer(b"503 Unavailable", b'{"type":"/problems/overloaded"}')
    async with answering(busy, busy, answer(b"202 Accepted", OFFER)) as client:
        assert (await client.offer("R")).cursor == "e:3"


@pytest.mark.parametrize(
    "verb",
    [
        lambda client: client.sign_in("ada", "correct horse"),
        lambda client: client.sessions(),
        lambda client: client.post("hello", room="R"),
        lambda client: client.page("R"),
        lambda client: client.offer("R"),
        lambda client: anext(client.rooms()),
        lambda client: anext(client.history("R", after=0)),
    ],
)
@pytest.mark.parametrize("body", [b"<html>Welcome to our hotel</html>", b'{"welcome":1}', b"\xff"])
async def test_what_is_not_hubbub_is_told_as_an_error_of_the_client(verb, body):
    async with answering(answer(b"200 OK", body)) as client:
        with pytest.raises(NotUnderstood):
            await verb(client)


def named_in(kind):
    yield kind
    for part in typing.get_args(kind):
        yield from named_in(part)


def test_all_that_the_verbs_speak_of_can_be_imported_from_the_client():
    spoken = set()
    for name, verb in inspect.getmembers(Client, inspect.isfunction):
        if not name.startswith("_"):
            for hint in typing.get_type_hints(verb).values():
                spoken |= {part for part in named_in(hint) if isinstance(part, type)}
    ours = {each for each in spoken if each.__module__.startswith("hubbub.")}
    assert len(ours) > 10
    assert ours <= {getattr(hubbub.client, name) for name in hubbub.client.__all__}
    assert ClientError.__name__ in hubbub.client.__all__
