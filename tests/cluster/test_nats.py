"""NATS as a piece of a cluster, by its own words: INFO, CONNECT, SUB, PUB, MSG, PING, PONG."""

import asyncio
import json
import stat
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from hubbub.cluster import Missing, Nats, programs
from support.deadline import deadline
from support.pieces import needs_pieces

pytestmark = needs_pieces


class Talk:
    """One connection."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer

    def says(self, *lines):
        self.writer.write("".join(f"{line}\r\n" for line in lines).encode())

    async def hears(self, word):
        """The first line that begins with this word; the others are passed over."""
        async with deadline():
            while line := (await self.reader.readline()).decode():
                if line.startswith(word):
                    return line.strip()
        raise AssertionError(f"the connection ended without {word}")


@asynccontextmanager
async def talk(nats, **credentials):
    """As who knows the address, or with other credentials."""
    parts = urlsplit(nats.url)
    known = {"user": parts.username, "pass": parts.password}
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        connection = Talk(reader, writer)
        connection.says(f"CONNECT {json.dumps(credentials or known)}", "PING")
        yield connection
    finally:
        writer.close()
        await writer.wait_closed()


async def carries_messages(nats):
    async with talk(nats) as reader, talk(nats) as writer:
        reader.says("SUB room 1", "PING")
        assert await reader.hears("PONG")
        assert await reader.hears("PONG")
        writer.says("PUB room 5", "hello")
        return await reader.hears("MSG") == "MSG room 1 5"


async def test_it_carries_messages_once_it_has_started(nats):
    assert nats.address.startswith("127.0.0.1:")
    assert await carries_messages(nats)


@pytest.mark.parametrize("credentials", [{"user": "hubbub", "pass": "guessed"}, {"user": "", "pass": ""}])
async def test_nobody_gets_in_without_the_password(nats, credentials):
    async with talk(nats, **credentials) as stranger:
        assert "Authorization Violation" in await stranger.hears("-ERR")


async def test_the_password_is_for_nobody_to_see(nats, tmp_path):
    password = nats.url.split(":")[2].split("@")[0]

    assert password not in Path(f"/proc/{nats.pid}/cmdline").read_text()
    assert password not in Path(f"/proc/{nats.pid}/environ").read_text()
    assert password not in (tmp_path / "nats.log").read_text()
    assert stat.S_IMODE((tmp_path / "nats.conf").stat().st_mode) == 0o600


async def test_it_comes_back_where_it_was(nats):
    url = nats.url
    await nats.restart()
    assert nats.url == url
    assert await carries_messages(nats)

    await nats.kill()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*nats.address.split(":"))
    await nats.start()
    assert nats.url == url
    assert await carries_messages(nats)


async def test_what_an_earlier_one_left_behind_is_not_believed(tmp_path, nats):
    await nats.kill()
    assert len(list(tmp_path.glob("*.ports"))) == 1

    await nats.start()

    assert [file.name for file in tmp_path.glob("*.ports")] == [f"nats-server_{nats.pid}.ports"]


async def test_frozen_it_says_nothing_until_it_is_thawed(nats):
    async with talk(nats) as person:
        await person.hears("PONG")

        nats.freeze()
        person.says("PING")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await person.hears("PONG")

        nats.thaw()
        assert await person.hears("PONG")


async def test_it_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(programs, "_BESIDE_THE_PATH", ())

    with pytest.raises(Missing, match="apt-get install nats-server"):
        async with Nats(tmp_path):
            pass
