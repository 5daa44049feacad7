"""A NATS server of one's own on the loopback. It keeps nothing."""

import asyncio
import json
import os
import secrets
import signal
from pathlib import Path

from hubbub.cluster import programs
from hubbub.cluster.piece import Piece
from hubbub.cluster.ports import LOOPBACK

START_SECONDS = 15.0
STOP_SECONDS = 10.0

_ANY_PORT = -1
_POLL_SECONDS = 0.01


class Nats(Piece):
    """Once it was started it keeps its port and its password."""

    def __init__(self, directory: Path) -> None:
        super().__init__("NATS", directory / "nats.log")
        self._directory = directory
        self._port = _ANY_PORT
        self._password = secrets.token_urlsafe(24)

    @property
    def url(self) -> str:
        """With the password in it: for nobody's eyes."""
        return f"nats://hubbub:{self._password}@{self.address}"

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self._port}"

    async def start(self) -> None:
        binary = programs.program("nats-server", package="nats-server")
        self._directory.mkdir(parents=True, exist_ok=True)
        for old in self._directory.glob("nats-server_*.ports"):  # of one that was killed
            old.unlink()
        configuration = self._configuration()
        await self._process.start(
            [str(binary), "-c", str(configuration)],
            environment={"PATH": os.defpath},
            directory=self._directory,
        )
        try:
            self._port = await self._told()
        except BaseException:
            await self.kill()
            raise

    async def stop(self) -> None:
        await self._process.end(signal.SIGTERM, STOP_SECONDS)

    def _configuration(self) -> Path:
        """In a file that only we may read: a command line could be read by everyone."""
        file = self._directory / "nats.conf"
        file.touch(mode=0o600)
        file.write_text(
            f"host: {json.dumps(LOOPBACK)}\n"
            f"port: {self._port}\n"
            f"ports_file_dir: {json.dumps(str(self._directory.absolute()))}\n"
            f"authorization {{ user: hubbub, password: {json.dumps(self._password)} }}\n"
        )
        return file.absolute()

    async def _told(self) -> int:
        """The port it chose: it writes a file that says so once it listens."""
        file = self._directory / f"nats-server_{self._process.pid}.ports"
        try:
            async with asyncio.timeout(START_SECONDS):
                while (port := _port_in(file)) is None:
                    if not self._process.is_running:
                        raise self._process.failed("ended before it listened")
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            raise self._process.failed(f"did not listen within {START_SECONDS:g} s") from None
        return port


def _port_in(file: Path) -> int | None:
    try:
        addresses = json.loads(file.read_bytes())["nats"]
    except (OSError, ValueError):  # not there yet, or not all of it
        return None
    return int(addresses[0].rpartition(":")[2])
