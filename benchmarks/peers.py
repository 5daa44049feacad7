"""hubbub, the reference and other people's servers, one after the other, under the very same load.

    python benchmarks/peers.py --out benchmarks/results/2026-11-25
    python benchmarks/peers.py --only hubbub,ws --rates 1000,2000 --clients 1000

Each server has one core with all its threads, and the generator the others. One that has fallen behind is not
given more. What is written: `peers.json` with everything, and `peers.md` with the tables.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from contender import HOST, Contender, Crowd
from contenders import CONTENDERS
from generator import Generator, GeneratorFailed
from hubbub.bench import machine
from hubbub.cli.asked import without_settings
from peers_table import FAULTS, tables
from processes import allow_many_files, cpu_seconds, resident_bytes

START_SECONDS = 30.0
STOP_SECONDS = 5.0
BEHIND = 0.9
"""Whoever delivers less than this of what is due has fallen behind."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    crowd: Crowd
    rates: Sequence[float]
    seconds: float
    warm_up_seconds: float
    settle_seconds: float
    quiet_seconds: float
    """After starting and after connecting, until the server has finished what that left to do."""


class ContenderFailed(Exception):
    """It is not here, did not start, or did not let everybody in."""


def free_port() -> int:
    with closing(socket.create_server((HOST, 0))) as sock:
        port: int = sock.getsockname()[1]
        return port


@contextmanager
def running(contender: Contender, crowd: Crowd, port: int, cores: frozenset[int]) -> Iterator[int]:
    """Its process, when it listens. Raises ContenderFailed."""
    with tempfile.TemporaryDirectory(prefix="hubbub-peer-") as name, tempfile.TemporaryFile() as said:
        directory = Path(name)
        contender.prepare(directory, port, crowd)
        with machine.on(cores):
            process = subprocess.Popen(
                contender.command(directory, port),
                cwd=directory,
                env={**without_settings(), **contender.environment()},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
        try:
            if not _listens(process, port):
                said.seek(0)
                raise ContenderFailed(f"it did not start: {said.read()[-500:].decode(errors='replace')}")
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection((HOST, port)).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return True
    return False


def measure(contender: Contender, asked: Asked, say: Callable[[str], None]) -> dict[str, Any]:
    """Raises ContenderFailed, GeneratorFailed."""
    for_server, for_clients = machine.split_cores()
    crowd = asked.crowd.at_most(contender.most_clients)
    port = free_port()
    with running(contender, crowd, port, for_server) as pid:
        time.sleep(asked.quiet_seconds)
        before = resident_bytes(pid)
        with Generator(contender.script(port, crowd), cores=for_clients) as generator:
            connected = generator.connected
            if connected["clients"] < crowd.clients:
                raise ContenderFailed(f"it let in {connected['clients']} of {crowd.clients} clients")
            time.sleep(asked.quiet_seconds)
            memory = (resident_bytes(pid) - before) / crowd.clients
            say(f"{crowd.clients:,} connected in {connected['seconds']:.1f} s, {memory / 1024:.1f} KB each")
            loads = []
            for rate in asked.rates:
                loads.append(_load(generator, pid, rate, crowd, asked))
                say(_line(loads[-1]))
                if loads[-1]["behind"]:
                    break
    return {
        "crowd": asdict(crowd),
        "connect_seconds": connected["seconds"],
        "resident_bytes_a_connection": memory,
        "loads": loads,
    }


def _load(generator: Generator, pid: int, rate: float, crowd: Crowd, asked: Asked) -> dict[str, Any]:
    cpu: list[float] = []
    told = generator.load(
        rate,
        seconds=asked.seconds,
        warm_up_seconds=asked.warm_up_seconds,
        settle_seconds=asked.settle_seconds,
        at_bounds=lambda: cpu.append(cpu_seconds(pid)),
    )
    due_per_second = rate * crowd.clients / crowd.rooms
    behind = told["missing"] > 0 or told["deliveries_per_second"] < BEHIND * due_per_second
    return {
        **told,
        "due_deliveries_per_second": due_per_second,
        "behind": behind,
        "server_cpu": (cpu[1] - cpu[0]) / asked.seconds,
    }


def _line(load: dict[str, Any]) -> str:
    p99 = load["delivery_ms"]["p99"]
    faults = [f"{load[name]:,} {said}" for name, said in FAULTS.items() if load[name]]
    return (
        f"{load['offered_per_second']:,.0f} posts/s: {load['deliveries_per_second']:,.0f} deliveries/s, "
        f"p99 {'–' if p99 is None else f'{p99:,.1f}'} ms, server {load['server_cpu']:.2f} cores, "
        f"generator {load['generator_cpu']:.2f}"
        + "".join(f", {each}" for each in faults)
        + (", behind" if load["behind"] else "")
    )


def _all(contenders: Sequence[Contender], asked: Asked) -> list[dict[str, Any]]:
    results = []
    for contender in contenders:

        def say(text: str, name: str = contender.name) -> None:
            print(f"{name:13} {text}", file=sys.stderr, flush=True)

        result: dict[str, Any] = {"name": contender.name, "title": contender.title, "keeps": contender.keeps}
        try:
            if absent := contender.absent():
                raise ContenderFailed(absent)
            result |= {"version": contender.version(), **measure(contender, asked, say)}
        except (ContenderFailed, GeneratorFailed) as error:
            say(f"not measured: {error}")
            result["failed"] = str(error)
        results.append(result)
    return results


def _chosen(names: str) -> list[Contender]:
    known = {each.name: each for each in CONTENDERS}
    asked = names.split(",") if names else list(known)
    if unknown := [name for name in asked if name not in known]:
        sys.exit(f"--only: {', '.join(unknown)} is none of {', '.join(known)}")
    return [known[name] for name in asked]


def _arguments() -> argparse.Namespace:
    asked = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    asked.add_argument("--only", default="", help="names of servers, with commas between")
    asked.add_argument(
        "--rates", default="1000,2000,5000,10000", help="posts a second, one load after the other"
    )
    asked.add_argument("--clients", type=int, default=10_000)
    asked.add_argument("--room-size", type=int, default=100)
    asked.add_argument("--payload", type=int, default=80, help="bytes of a text")
    asked.add_argument("--seconds", type=float, default=8.0, help="of load that is measured")
    asked.add_argument("--warm-up", type=float, default=2.0, help="seconds of load before that")
    asked.add_argument("--settle", type=float, default=10.0, help="seconds to wait for what is under way")
    asked.add_argument("--quiet", type=float, default=2.0, help="seconds to wait before memory is read")
    asked.add_argument("--out", type=Path, help="a directory for peers.json and peers.md")
    return asked.parse_args()


def main() -> int:
    words = _arguments()
    allow_many_files()
    rooms = max(1, words.clients // words.room_size)
    asked = Asked(
        crowd=Crowd(clients=words.clients, rooms=rooms, payload_bytes=words.payload),
        rates=[float(rate) for rate in words.rates.split(",")],
        seconds=words.seconds,
        warm_up_seconds=words.warm_up,
        settle_seconds=words.settle,
        quiet_seconds=words.quiet,
    )
    results = _all(_chosen(words.only), asked)
    command = " ".join([os.path.basename(sys.argv[0]), *sys.argv[1:]])
    whole = {**machine.described(), "command": command, "asked": asdict(asked), "servers": results}
    table = tables(results, asked.rates)
    print(table)
    if words.out is not None:
        words.out.mkdir(parents=True, exist_ok=True)
        (words.out / "peers.json").write_text(json.dumps(whole, indent=1) + "\n", "utf-8")
        (words.out / "peers.md").write_text(table, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
