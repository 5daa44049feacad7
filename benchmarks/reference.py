"""The reference: what fan-out alone costs on this machine, in this minute.

Every figure of hubbub moves with the machine. So beside each stands what a small C program does that only
sends lines on, under the same load, from a generator that is the same for all servers.

    python benchmarks/reference.py fanout --clients 10000 --rooms 100 --rate 5000
    python benchmarks/reference.py posts --clients 200 --rate 15000 --mode durable
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from generator import Generator, GeneratorFailed, built
from hubbub.bench import machine
from hubbub.bench.seats import source
from processes import allow_many_files, cpu_seconds
from script import Client, Script, Send, Wait, new_marker, text

Mode = Literal["plain", "joined", "durable"]

MODES: tuple[Mode, ...] = ("plain", "joined", "durable")
LISTENS = "fanout listens on 127.0.0.1:"
STOP_SECONDS = 10.0

ECHO = "echo"
"""The room in which everybody is alone: a line that comes back is its own acknowledgement."""


class Fanout:
    """The C server while it runs."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self._process = process
        self.port = port
        self.pid = process.pid

    def stop(self) -> dict[str, Any]:
        """What it has done, in numbers."""
        self._process.terminate()
        said, _ = self._process.communicate(timeout=STOP_SECONDS)
        done: dict[str, Any] = json.loads(said)
        return done


@contextmanager
def running(mode: Mode, *, cores: frozenset[int] = frozenset()) -> Iterator[Fanout]:
    """Raises GeneratorFailed where there is no compiler."""
    program = built("fanout")
    with tempfile.TemporaryDirectory(prefix="hubbub-reference-") as directory:
        file = [str(Path(directory) / "lines")] if mode == "durable" else []
        with machine.on(cores):
            process = subprocess.Popen([program, mode, "0", *file], stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            yield Fanout(process, int(process.stdout.readline().removeprefix(LISTENS)))
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()


def script(*, port: int, clients: int, rooms: int, payload_bytes: int) -> Script:
    """Everybody in one of the rooms; with no rooms, everybody alone."""
    marker = new_marker()
    return Script(
        port=port,
        marker=marker,
        clients=[
            _client(number, number % rooms if rooms else number, rooms > 0, text(marker, payload_bytes))
            for number in range(clients)
        ],
    )


def _client(number: int, room: int, shared: bool, said: str) -> Client:
    return Client(
        address=source(number, "127.0.0.1") or "127.0.0.1",
        room=room,
        steps=entering(f"room-{room}" if shared else ECHO),
        post=line(said),
    )


def line(said: str) -> bytes:
    return f"{said}\n".encode()


def entering(room: str) -> list[Send | Wait]:
    return [Send(said=line(room)), Wait(for_bytes=line(room))]


def measure(
    mode: Mode = "joined",
    *,
    clients: int,
    rooms: int,
    rates: Sequence[float],
    payload_bytes: int = 80,
    seconds: float = 8.0,
    warm_up_seconds: float = 2.0,
    settle_seconds: float = 10.0,
) -> list[dict[str, Any]]:
    """The figures of each rate, the server on the first core and the generator on the others.

    `rooms` is how many the clients are spread over; with 0 everybody is told their own posts alone, which is
    the reference of a post's acknowledgement. Raises GeneratorFailed.
    """
    allow_many_files()
    for_server, for_clients = machine.split_cores()
    figures = []
    cpu: list[float] = []
    with running(mode, cores=for_server) as server:
        whole = script(port=server.port, clients=clients, rooms=rooms, payload_bytes=payload_bytes)
        with Generator(whole, cores=for_clients) as generator:
            for rate in rates:
                told = generator.load(
                    rate,
                    seconds=seconds,
                    warm_up_seconds=warm_up_seconds,
                    settle_seconds=settle_seconds,
                    at_bounds=lambda: cpu.append(cpu_seconds(server.pid)),
                )
                figures.append({"mode": mode, **told, "server_cpu": (cpu[-1] - cpu[-2]) / seconds})
        figures[-1]["server"] = server.stop()
    return figures


def _asked() -> argparse.Namespace:
    asked = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    asked.add_argument("scenario", choices=("fanout", "posts"), help="rooms, or everybody alone")
    asked.add_argument("--mode", choices=(*MODES, "all"), default="joined")
    asked.add_argument("--clients", type=int, default=1000)
    asked.add_argument("--rooms", type=int, default=10)
    asked.add_argument("--rate", default="500", help="posts a second; several with commas between")
    asked.add_argument("--seconds", type=float, default=8.0, help="of load that is measured")
    asked.add_argument("--warm-up", type=float, default=2.0, help="seconds of load before that")
    asked.add_argument("--payload", type=int, default=80, help="bytes of a text")
    return asked.parse_args()


def main() -> int:
    asked = _asked()
    figures = []
    try:
        for mode in MODES if asked.mode == "all" else (asked.mode,):
            figures += measure(
                mode,
                clients=asked.clients,
                rooms=asked.rooms if asked.scenario == "fanout" else 0,
                rates=[float(rate) for rate in asked.rate.split(",")],
                payload_bytes=asked.payload,
                seconds=asked.seconds,
                warm_up_seconds=asked.warm_up,
            )
    except GeneratorFailed as error:
        print(error, file=sys.stderr)
        return 1
    described = machine.described() | {"command": " ".join([os.path.basename(sys.argv[0]), *sys.argv[1:]])}
    print(json.dumps({**described, "loads": figures}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
