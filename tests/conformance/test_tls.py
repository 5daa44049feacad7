"""Everything is served over TLS as without it, and a handshake takes no longer than a request's head may."""

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from conformance.sockets import UPGRADE, Talk
from conformance.wire import Wire
from hubbub.app import Running
from hubbub.config import Tls
from support.deadline import deadline
from support.seeded import token_of
from support.serving import serving

ADA = token_of("ada")
CLIENT_HELLO = bytes.fromhex("16030100c8010000c40303")
"""How every handshake begins; what it announces never comes."""


@pytest.fixture(scope="module")
def tls(tmp_path_factory) -> Tls:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl to make a certificate with")
    folder: Path = tmp_path_factory.mktemp("tls")
    made = Tls(folder / "certificate.pem", folder / "key.pem")
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(made.key), "-out", str(made.certificate)),
        ],
        check=True,
        capture_output=True,
    )
    return made


@asynccontextmanager
async def _connected(server: Running, tls: Tls | None = None) -> AsyncIterator[Wire]:
    """Without `tls`: one on which the handshake is still to be begun; else one that was answered on."""
    context = ssl.create_default_context(cafile=str(tls.certificate)) if tls else None
    async with deadline():
        while True:
            try:
                reader, writer = await asyncio.open_connection(*server.address, ssl=context, limit=1 << 20)
                wire = Wire(reader, writer, str(server.address))
                if tls is not None:
                    assert (await wire.asks("GET", "/health/live")).status == 200
            except (ConnectionError, EOFError, ssl.SSLError):
                if tls is None:
                    raise
            else:  # on a busy machine it may take longer than the little it is given here
                break
    try:
        yield wire
    finally:
        writer.transport.abort()


async def test_http_and_websocket_are_served_over_tls(data, tls):
    async with serving(data, tls=tls) as server:
        async with _connected(server, tls) as ada:
            assert (await ada.asks("GET", "/rooms", ADA)).body == b"[]"
            made = await ada.asks("POST", "/rooms", ADA, b'{"name": "Lounge"}')
            assert made.headers["location"].startswith(f"https://{server.address}/room/")
        async with _connected(server, tls) as ada:
            opening = await ada.asks("GET", "/ws", ADA, **UPGRADE)
            assert opening.status == 101
            assert (await Talk(ada, opening).json())["type"] == "hello"


BEGUN = {"nothing": b"", "a byte": CLIENT_HELLO[:1], "a promise": CLIENT_HELLO}


@pytest.mark.parametrize("said", BEGUN.values(), ids=BEGUN)
async def test_a_handshake_that_is_never_finished_ends_in_time(data, tls, said):
    async with serving(data, tls=tls, settings={"head_seconds": 0.2}) as server:
        async with _connected(server) as slow:
            slow.say(said)
            await slow.rest()
        async with _connected(server, tls) as ada:
            assert (await ada.asks("GET", "/rooms", ADA)).status == 200


async def test_a_handshake_a_byte_at_a_time_takes_no_longer(data, tls):
    async with (
        serving(data, tls=tls, settings={"head_seconds": 0.2}) as server,
        _connected(server, tls) as ada,
        _connected(server) as slow,
    ):
        slow.say(CLIENT_HELLO)
        closed = asyncio.ensure_future(slow.rest())
        async with deadline():
            while not closed.done():
                if not slow.writer.is_closing():
                    slow.say(b"\0")
                assert (await ada.asks("GET", "/health/live")).status == 200


async def test_a_crowd_that_never_shakes_hands_is_let_go_and_others_are_served_meanwhile(data, tls):
    async with (
        serving(data, tls=tls, settings={"head_seconds": 0.5}) as server,
        _connected(server, tls) as ada,
        AsyncExitStack() as stack,
    ):
        crowd = [await stack.enter_async_context(_connected(server)) for _ in range(200)]
        closed = asyncio.gather(*(one.rest() for one in crowd))
        async with deadline():
            while not closed.done():
                assert (await ada.asks("GET", "/health/live")).status == 200
        await closed


async def test_what_is_not_tls_is_not_answered(data, tls):
    async with serving(data, tls=tls) as server, _connected(server) as plain:
        plain.request("GET", "/rooms", ADA)
        assert b"HTTP/1.1 2" not in await plain.rest()
