"""Rooms to endpoints, in order and at least once; hooks to rooms, once."""

import asyncio
import base64
import hashlib
import hmac
import json
from contextlib import asynccontextmanager

import httpx2
import pytest

from examples.programs import module, program
from hubbub.client import Message
from support.deadline import deadline

OUT, IN = "out-secret", "in-secret"
SECRETS = {"OUT_SECRET": OUT, "IN_SECRET": IN}


class Endpoint:
    """An HTTP server that answers what it is told, and keeps what came."""

    def __init__(self):
        self.statuses = []
        """What the next deliveries are answered; 204 afterwards, None for no answer at all."""
        self.came = asyncio.Queue()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.url = f"http://{host}:{port}/hook"
        return self

    async def __aexit__(self, *_):
        self._server.close()

    async def _serve(self, reader, writer):
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            fields = {
                name.lower(): text for name, _, text in (line.partition(": ") for line in head[1:] if line)
            }
            body = await reader.readexactly(int(fields["content-length"]))
            status = self.statuses.pop(0) if self.statuses else 204
            self.came.put_nowait((status, fields, body))
            if status is not None:
                writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status)
                await writer.drain()
        finally:
            writer.close()

    async def next(self):
        async with deadline():
            return await self.came.get()

    async def texts(self, count):
        """Of that many deliveries that were taken."""
        taken = []
        while len(taken) < count:
            status, _, body = await self.next()
            if status == 204:
                taken.append(json.loads(body)["text"])
        return taken


@asynccontextmanager
async def relaying(url, tmp_path, *flags):
    """A running relay, and where its hooks are."""
    ours = ("--url", url, "--listen", "127.0.0.1:0", "--places", str(tmp_path / "relay.db"))
    async with program("webhook_relay.py", *ours, *flags, **SECRETS) as relay:
        yield await relay.says("hooks come in at ")


async def test_a_room_is_delivered_in_order_signed_and_again_until_it_is_taken(url, ada, tmp_path):
    room = await ada.create_room("Lounge")
    async with Endpoint() as endpoint, relaying(url, tmp_path, "--out", f"Lounge={endpoint.url}"):
        endpoint.statuses = [500, None, 302]
        said = [await ada.post(text, room=room) for text in ("one", "two")]
        came = [await endpoint.next() for _ in range(5)]
    assert [fields["webhook-id"] for _, fields, _ in came] == [said[0].id] * 4 + [said[1].id]
    for _, fields, body in came:
        signed = f"{fields['webhook-id']}.{fields['webhook-timestamp']}.".encode() + body
        right = base64.b64encode(hmac.new(OUT.encode(), signed, hashlib.sha256).digest()).decode()
        assert fields["webhook-signature"] == f"v1,{right}"
    assert json.loads(came[-1][2])["text"] == "two"


async def test_what_was_said_while_it_was_dead_is_delivered_when_it_is_back(url, ada, tmp_path):
    room = await ada.create_room("Lounge")
    async with Endpoint() as endpoint:
        flags = ("--out", f"Lounge={endpoint.url}")
        async with relaying(url, tmp_path, *flags):
            await ada.post("one", room=room)
            assert await endpoint.texts(1) == ["one"]
        await ada.post("two", room=room)
        async with relaying(url, tmp_path, *flags):
            await ada.post("three", room=room)
            heard = await endpoint.texts(2)
            if heard[0] == "one":  # killed before it noted that: at least once
                heard = [*heard[1:], *await endpoint.texts(1)]
    assert heard == ["two", "three"]


async def test_a_dead_endpoint_holds_up_its_own_room_only(url, ada, tmp_path):
    lounge, kitchen = await ada.create_room("Lounge"), await ada.create_room("Kitchen")
    async with Endpoint() as dead, Endpoint() as alive:
        dead.statuses = [500] * 1000
        flags = ("--out", f"Lounge={dead.url}", "--out", f"Kitchen={alive.url}")
        async with relaying(url, tmp_path, *flags):
            await ada.post("nobody hears", room=lounge)
            await dead.next()
            for text in ("one", "two", "three"):
                await ada.post(text, room=kitchen)
            assert await alive.texts(3) == ["one", "two", "three"]


async def test_a_hook_posts_once_however_often_it_is_called(url, ada, tmp_path):
    async with relaying(url, tmp_path, "--in", "builds=Lounge") as hooks, httpx2.AsyncClient() as caller:

        async def call(text, *, name="builds", secret=IN, **fields):
            headers = {"Authorization": f"Bearer {secret}"} | fields
            return await caller.post(f"{hooks}/{name}", content=json.dumps({"text": text}), headers=headers)

        calls = [await call("it is green", **{"webhook-id": "run-1"}) for _ in range(2)]
        assert [answer.status_code for answer in calls] == [201, 201]
        assert calls[0].json() == calls[1].json()
        assert (await call("it is red", **{"webhook-id": "run-1"})).status_code == 409
        assert (await call("who am I?", secret="guessed", **{"webhook-id": "2"})).status_code == 401
        assert (await call("no id")).status_code == 400
        assert (await call("", **{"webhook-id": "3"})).status_code == 400
        assert (await call("x" * 70_000, **{"webhook-id": "4"})).status_code == 413
        assert (await call("hi", name="unknown", **{"webhook-id": "5"})).status_code == 404
        room = await ada.room("Lounge")
        found = [event.text async for event in ada.history(room, after=0) if isinstance(event, Message)]
    assert found == ["it is green"]


def test_an_endpoint_is_https_unless_it_is_this_machine():
    relay = module("webhook_relay")
    assert relay.out("Lounge=https://example.org/x") == ("Lounge", "https://example.org/x")
    assert relay.out("Lounge=http://127.0.0.1:1/x") == ("Lounge", "http://127.0.0.1:1/x")
    for wrong in ("Lounge=http://example.org/x", "Lounge=file:///etc/passwd", "Lounge"):
        with pytest.raises(Exception, match=r"https|LEFT"):
            relay.out(wrong)


async def test_waits_between_tries_grow_and_stay_bounded(monkeypatch):
    relay = module("webhook_relay")
    monkeypatch.setattr(relay.random, "random", lambda: 1.0)
    tries, waits = iter([False] * 12 + [True]), []

    async def taken(*_):
        return next(tries)

    async def sleep(seconds):
        waits.append(seconds)

    monkeypatch.setattr(relay, "taken", taken)
    await relay.deliver(None, "", relay.Delivery(id="1", body=b""), b"", sleep)
    assert waits[:4] == [0.5, 1.0, 2.0, 4.0]
    assert waits[-1] == relay.MOST_RETRY_SECONDS
