"""A relay between rooms and HTTP: what is said in a room goes out to an endpoint, and hooks come in.

    BOT_PASSWORD=… OUT_SECRET=… IN_SECRET=… .venv/bin/python examples/webhook_relay.py \\
        --out Lounge=https://example.org/hubbub --in builds=Lounge --listen 127.0.0.1:8090

Out: each event of the room is POSTed as its JSON, in order and at least once. A try that is not answered 2xx
is repeated for ever, ever more slowly, and the next event waits. Each room goes at its own pace: the server
keeps what a dead endpoint has yet to hear, so nothing queues here and no other room waits. A delivery says

    webhook-id          the same for each try of it: drop what you have seen
    webhook-timestamp   seconds since 1970: refuse what is older than five minutes, it may be a replay
    webhook-signature   v1,BASE64 of HMAC-SHA256 with OUT_SECRET over "ID.TIMESTAMP.BODY"

in the form of the Standard Webhooks specification.

In: POST /hooks/NAME with `Authorization: Bearer IN_SECRET`, `webhook-id: ANYTHING` and {"text":"…"} posts to
the room of that name. The same id posts once, so a caller may repeat until it is answered.

Before you offer this to others: endpoints here come from whoever starts the relay. If your users may type
them in, such an address can point into your own network (SSRF): resolve it yourself, refuse addresses that
are not global, and connect to the one you have checked. Endpoints must be https, but for this machine.
Redirects are not followed, for they lead where nobody has looked. Put a proxy that speaks TLS before /hooks:
the secret travels with each call. A session holds 32 streams at a time, so one relay serves as many rooms.
"""

import argparse
import asyncio
import base64
import hashlib
import hmac
import os
import random
import socket
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx2
import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hubbub.client import Client, ClientError, Event, GapFrame, Problem

FIRST_RETRY_SECONDS = 0.5
MOST_RETRY_SECONDS = 300.0
MOST_HOOK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event, as an endpoint gets it."""

    id: str
    body: bytes

    def headers(self, secret: bytes, now_seconds: int) -> dict[str, str]:
        signed = b"%s.%d.%s" % (self.id.encode(), now_seconds, self.body)
        signature = base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
        return {
            "Content-Type": "application/json",
            "webhook-id": self.id,
            "webhook-timestamp": str(now_seconds),
            "webhook-signature": f"v1,{signature}",
        }


def delivery_of(event: Event) -> Delivery:
    id = f"gap-{event.room}-{event.last}" if isinstance(event, GapFrame) else event.id
    return Delivery(id=id, body=msgspec.json.encode(event))


class Places:
    """How far each endpoint has been told of each room, in a small file."""

    def __init__(self, path: Path) -> None:
        self._file = sqlite3.connect(path, isolation_level=None)
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = NORMAL")  # what a power cut takes back is delivered again
        self._file.execute(
            "CREATE TABLE IF NOT EXISTS place (room TEXT, url TEXT, cursor TEXT, PRIMARY KEY (room, url))"
        )

    def cursor(self, room: str, url: str) -> str | None:
        """None: it was never told of anything."""
        row = self._file.execute(
            "SELECT cursor FROM place WHERE room = ? AND url = ?", (room, url)
        ).fetchone()
        return row[0] if row else None

    def keep(self, room: str, url: str, cursor: str | None) -> None:
        self._file.execute("INSERT OR REPLACE INTO place VALUES (?, ?, ?)", (room, url, cursor))


# -- out ---------------------------------------------------------------------


async def relay(
    client: Client, http: httpx2.AsyncClient, places: Places, room: str, url: str, secret: bytes
) -> None:
    """Tell `url` what is said in `room`, each event after the one before it was taken."""
    async with client.subscribe(room, after=places.cursor(room, url)) as events:
        async for event in events:
            await deliver(http, url, delivery_of(event), secret)
            places.keep(room, url, events.cursors()[room])


async def deliver(
    http: httpx2.AsyncClient,
    url: str,
    delivery: Delivery,
    secret: bytes,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """Until it is taken."""
    ceiling_seconds = FIRST_RETRY_SECONDS
    while not await taken(http, url, delivery, secret):
        await sleep(ceiling_seconds * random.random())  # noqa: S311 - so that not all come back at once
        ceiling_seconds = min(MOST_RETRY_SECONDS, ceiling_seconds * 2)


async def taken(http: httpx2.AsyncClient, url: str, delivery: Delivery, secret: bytes) -> bool:
    headers = delivery.headers(secret, int(time.time()))
    try:
        # What the endpoint has to say beyond its status is not read: it may be endless.
        async with http.stream("POST", url, content=delivery.body, headers=headers) as answer:
            return answer.is_success
    except httpx2.TransportError:
        return False


# -- in ----------------------------------------------------------------------


class Hook(msgspec.Struct, frozen=True):
    text: str


def hooks(client: Client, rooms: Mapping[str, str], secret: bytes) -> Starlette:
    """`rooms`: by the name of the hook, the id of the room it posts to."""

    async def take(request: Request) -> Response:
        if not hmac.compare_digest(bearer(request), secret):
            return refusal(401, "Send the secret as Authorization: Bearer.")
        name = request.path_params["name"]
        if name not in rooms:
            return refusal(404, "There is no such hook.")
        if not (delivery := request.headers.get("webhook-id")):
            return refusal(400, "Send a webhook-id, and the same one when you repeat the call.")
        try:
            hook = msgspec.json.decode(await body_of(request), type=Hook)
            said = await client.post(hook.text, room=rooms[name], key=f"hook-{name}-{delivery}")
        except OverflowError:
            return refusal(413, f"A hook has at most {MOST_HOOK_BYTES} bytes.")
        except (msgspec.DecodeError, UnicodeDecodeError):
            return refusal(400, 'Send {"text":"…"}.')
        except Problem as problem:  # too long a text, a used key, too fast: the caller's to know
            return refusal(problem.status, problem.detail or problem.title, problem.retry_after)
        except ClientError:
            return refusal(503, "The chat is not there. Call again, under the same id.", 10)
        return JSONResponse({"id": said.id, "seq": said.seq}, 201)

    return Starlette(routes=[Route("/hooks/{name}", take, methods=["POST"])])


def bearer(request: Request) -> bytes:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.encode() if scheme.lower() == "bearer" else b""


async def body_of(request: Request) -> bytes:
    """Raises OverflowError as soon as there is too much of it."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_HOOK_BYTES:
            raise OverflowError
    return bytes(body)


def refusal(status: int, detail: str, retry_after: float | None = None) -> Response:
    headers = {} if retry_after is None else {"Retry-After": str(int(retry_after) + 1)}
    return JSONResponse({"status": status, "detail": detail}, status, headers)


# -- the program -------------------------------------------------------------


async def sign_in(client: Client, name: str, password: str) -> None:
    try:
        await client.sign_in(name, password)
    except Problem as problem:
        if problem.code != "wrong-credentials":
            raise
        await client.sign_up(name, password)  # refused as name-taken: then it is the password that is wrong
        await client.sign_in(name, password)


async def room_called(client: Client, name: str) -> str:
    try:
        return (await client.room(name)).id
    except Problem as problem:
        if problem.code != "no-such-room":
            raise
        return (await client.create_room(name)).id


async def main(chosen: argparse.Namespace) -> None:
    """Until SIGINT or SIGTERM. An error ends it: have a supervisor start it again, and it goes on."""
    out_secret, in_secret = (os.environ[name].encode() for name in ("OUT_SECRET", "IN_SECRET"))
    host, _, port = chosen.listen.rpartition(":")
    places = Places(chosen.places)
    async with Client(chosen.url) as client, httpx2.AsyncClient(timeout=10.0, trust_env=False) as http:
        await sign_in(client, chosen.name, os.environ["BOT_PASSWORD"])
        outs = [(await room_called(client, room), url) for room, url in chosen.outs]
        ins = {name: await room_called(client, room) for name, room in chosen.ins}
        for room, url in outs:  # before anything is said that it should tell
            if places.cursor(room, url) is None:
                places.keep(room, url, (await client.offer(room)).cursor)
        async with asyncio.TaskGroup() as tasks:
            relays = [tasks.create_task(relay(client, http, places, *out, out_secret)) for out in outs]
            listening = socket.create_server((host, int(port)))
            print("hooks come in at http://{}:{}/hooks".format(*listening.getsockname()), flush=True)
            await uvicorn.Server(uvicorn.Config(hooks(client, ins, in_secret))).serve([listening])
            for each in relays:
                each.cancel()


def pair(text: str) -> tuple[str, str]:
    left, equals, right = text.partition("=")
    if not (left and equals and right):
        raise argparse.ArgumentTypeError(f"{text!r} is no LEFT=RIGHT")
    return left, right


def out(text: str) -> tuple[str, str]:
    room, url = pair(text)
    parts = httpx2.URL(url)
    if parts.scheme != "https" and parts.host not in ("localhost", "127.0.0.1", "::1"):
        raise argparse.ArgumentTypeError(f"{url} is not https: all that is said would travel in the open")
    return room, url


if __name__ == "__main__":
    flags = argparse.ArgumentParser(description="Relays rooms to HTTP endpoints, and hooks to rooms.")
    flags.add_argument("--url", default="http://localhost:8080", help="the hubbub server")
    flags.add_argument(
        "--name", default="relay", type=str.lower, help="its account; the password is BOT_PASSWORD"
    )
    flags.add_argument("--out", dest="outs", default=[], action="append", type=out, metavar="ROOM=URL")
    flags.add_argument("--in", dest="ins", default=[], action="append", type=pair, metavar="HOOK=ROOM")
    flags.add_argument("--listen", default="127.0.0.1:8090", help="where hooks come in")
    flags.add_argument("--places", default="relay.db", type=Path, help="the file to remember its places in")
    asyncio.run(main(flags.parse_args()))
